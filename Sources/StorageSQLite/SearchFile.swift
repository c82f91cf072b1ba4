// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Storage

/// The search index: an SQLite database of its own beside the main one, so that filling it holds up no message.
///
/// It is opened by its first use. All that it holds is made from the log, so a file that is of no use is replaced by an
/// empty one. It is flushed like the main file: what was removed from it stays removed when the power fails.
actor SearchFile {
    /// What the name of the file adds to the main one's.
    static let suffix = "-search"
    /// The main file and those that SQLite keeps beside it.
    private static let suffixes = ["", "-wal", "-shm"]

    private enum State {
        case closed
        case open(SQLiteEngine)
        case remaking
        case ended
    }

    /// The main database's path; `nil` for one in memory.
    private let main: String?
    /// Whether nothing may be written or made.
    private let isReadOnly: Bool
    private let busySeconds: Double
    private var state = State.closed

    init(_ location: SQLiteEngine.Location, busySeconds: Double, isReadOnly: Bool) {
        self.busySeconds = busySeconds
        switch location {
        case .memory:
            main = nil
            self.isReadOnly = isReadOnly
        case .file(let path):
            main = path
            self.isReadOnly = isReadOnly
        case .readOnly(let path):
            main = path
            self.isReadOnly = true
        }
    }

    private nonisolated var path: String? { main.map { $0 + Self.suffix } }

    /// What the file takes on the disk.
    nonisolated var sizeBytes: Int64 {
        var status = stat()
        guard let path, stat(path, &status) == 0 else { return 0 }
        return Int64(status.st_size)
    }

    /// The index with its tables; `nil` when there is none and none may be made.
    func engine() throws(StorageError) -> SQLiteEngine? {
        switch state {
        case .open(let engine): return engine
        case .remaking: throw StorageError(.unavailable, "The search index is being made anew. Try again.")
        case .ended: throw StorageError(.unavailable, "The database is closed.")
        case .closed: break
        }
        if isReadOnly, let path, access(path, R_OK) != 0 { return nil }
        let engine: SQLiteEngine
        do {
            engine = try open()
        } catch  where [.unusable, .needsMigration].contains(error.code) && !isReadOnly && path != nil {
            // Garbage, or a file that another user left behind.
            try removeFiles()
            engine = try open()
        }
        state = .open(engine)
        return engine
    }

    /// Puts an empty index in the place of this one.
    func remake() async throws(StorageError) {
        guard !isReadOnly else { throw StorageError(.unavailable, "The search index can only be read here.") }
        switch state {
        case .open(let engine):
            state = .remaking
            // SQLite's files are known by their names: none may be open when others take them.
            await engine.close()
        case .closed: break
        case .remaking: throw StorageError(.unavailable, "The search index is being made anew. Try again.")
        case .ended: throw StorageError(.unavailable, "The database is closed.")
        }
        if case .remaking = state { state = .closed }
        try removeFiles()
        _ = try engine()
    }

    func close() async {
        let last = state
        state = .ended
        if case .open(let engine) = last { await engine.close() }
    }

    private func open() throws(StorageError) -> SQLiteEngine {
        if let path, !isReadOnly { makeFile(path) }
        let engine = try SQLiteEngine(
            path.map { .file($0) } ?? .memory, create: !isReadOnly, readers: 2, busySeconds: busySeconds,
            checkpointPages: 1000, isReadOnly: isReadOnly,
            search: SearchFile(.memory, busySeconds: 0, isReadOnly: true), isDerived: true)
        try engine.prepareSearch(isReadOnly: isReadOnly)
        return engine
    }

    /// Makes the file for the eyes, and in the name, of those who may read the main one.
    private func makeFile(_ path: String) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard let main, stat(main, &status) == 0 else { return }
        _ = fchmod(descriptor, status.st_mode & 0o666)
        if geteuid() == 0 { _ = fchown(descriptor, status.st_uid, status.st_gid) }
    }

    private func removeFiles() throws(StorageError) {
        guard let path else { return }
        for suffix in Self.suffixes where unlink(path + suffix) != 0 && errno != ENOENT {
            throw StorageError(
                .unusable,
                "The search index '\(path)' cannot be replaced. Give this user the right to write to its folder.",
                cause: String(cString: strerror(errno)))
        }
    }
}
