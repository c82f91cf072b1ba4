// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Archives as files.
package enum ArchiveFile {
    /// How the name of an archive ends.
    package static let suffix = ".tar.gz"

    /// Writes a file that is there only when it is whole, and durable when this returns.
    ///
    /// `body` writes the content to the open file it is given; what it returns and throws comes through. A file of that
    /// name that is there is an `ArchiveError` with `.exists`.
    package static func write<Value>(to path: String, _ body: (Int32) async throws -> Value) async throws -> Value {
        guard access(path, F_OK) != 0 else { throw exists(path) }
        var template = Array("\(path).XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw failure(path, "cannot be written") }
        let temporary = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        let value = try await body(descriptor)
        guard fsync(descriptor) == 0 else { throw failure(path, "cannot be written") }
        // Unlike a renaming, a second name is refused when the file exists.
        guard link(temporary, path) == 0 else {
            throw errno == EEXIST ? exists(path) : failure(path, "cannot be written")
        }
        try syncFolder(of: path)
        return value
    }

    /// Opens an archive and closes it afterwards.
    package static func read<Value>(_ path: String, _ body: (Int32) throws -> Value) throws -> Value {
        let descriptor = try opened(path)
        defer { close(descriptor) }
        return try body(descriptor)
    }

    /// The same for what waits.
    package static func read<Value>(_ path: String, _ body: (Int32) async throws -> Value) async throws -> Value {
        let descriptor = try opened(path)
        defer { close(descriptor) }
        return try await body(descriptor)
    }

    private static func opened(_ path: String) throws -> Int32 {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "cannot be read") }
        return descriptor
    }

    private static func syncFolder(of path: String) throws {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "cannot be made durable") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(path, "cannot be made durable") }
    }

    private static func exists(_ path: String) -> ArchiveError {
        ArchiveError(.exists, "The file '\(path)' exists already; nothing was written.")
    }

    private static func failure(_ path: String, _ what: String) -> ArchiveError {
        let number = errno
        return ArchiveError(
            number == ENOENT || number == ENOTDIR ? .missing : .inputOutput,
            "'\(path)' \(what): \(String(cString: strerror(number))).")
    }
}
