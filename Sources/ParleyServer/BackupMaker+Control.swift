// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import Operations
import Storage

extension BackupMaker {
    /// What administrators do with the backups of a running server; `schedule` is when it makes them by itself, in
    /// words.
    func control(of storage: Storage, schedule: String?) -> BackupControl {
        BackupControl(
            list: { () throws(OperationError) in
                let entries = try entries()
                return ListBackups.Report(
                    backups: entries.reversed().map(BackupReport.init), keep: keep, schedule: schedule)
            },
            create: { (progress) async throws(OperationError) in
                let made = try await Self.asking {
                    try await make(from: storage) {
                        progress(OperationProgress(phase: $0.phase, done: $0.done, total: $0.total))
                    }
                }
                return CreateBackup.Report(
                    name: Self.name(of: made.path), bytes: made.report.bytes, rows: made.report.manifest.rows,
                    attachments: made.report.manifest.attachments, removed: made.removed)
            },
            verify: { (name, progress) async throws(OperationError) in
                let found = try find(name)
                let stop = CancellationFlag()
                let report = try await Self.asking {
                    try await withTaskCancellationHandler {
                        try await Restore.verify(found.path) { done in
                            try stop.check()
                            progress(OperationProgress(phase: "bytes", done: done, total: found.bytes))
                        }
                    } onCancel: {
                        stop.set()
                    }
                }
                return VerifyBackup.Report(
                    name: name, rows: report.manifest.rows, attachments: report.manifest.attachments)
            },
            find: { (name) throws(OperationError) in
                let found = try find(name)
                return DownloadBackup.Report(path: found.path, bytes: found.bytes)
            })
    }

    /// One of the folder's own backups; a name is compared with theirs, and never becomes a path.
    private func find(_ name: String) throws(OperationError) -> BackupFolder.Entry {
        let entries = try entries()
        guard let found = entries.first(where: { $0.name.utf8.elementsEqual(name.utf8) }), found.about != nil else {
            throw OperationError(
                .notFound, "There is no backup '\(name.prefix(100))'.", nextStep: "List them with 'manage backup list'."
            )
        }
        return found
    }

    private func entries() throws(OperationError) -> [BackupFolder.Entry] {
        do { return try folder.entries() } catch { throw Self.refusal(error) }
    }

    private static func name(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    private static func asking<Value: Sendable>(
        _ body: () async throws -> Value
    ) async throws(OperationError) -> Value {
        do { return try await body() } catch { throw refusal(error) }
    }

    private static func refusal(_ error: any Error) -> OperationError {
        switch error {
        case is CancellationError: .interrupted
        case let error as StorageError: OperationError(error)
        case let error as ArchiveError:
            OperationError(
                error.code == .exists ? .exists : error.code == .missing ? .notFound : .failed, error.description)
        default: OperationError(.failed, "The backup failed. See the log for details.")
        }
    }
}

extension ArchiveManifest {
    fileprivate var rows: Int { tables.reduce(0) { $0 + $1.rows } }
}

extension BackupReport {
    fileprivate init(_ entry: BackupFolder.Entry) {
        self.init(
            name: entry.name, bytes: entry.bytes, created: entry.about?.created, program: entry.about?.program,
            engine: entry.about?.engine)
    }
}
