// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Reading and making files with keys.
enum KeyFileAccess {
    /// Makes a file with its whole content or not at all.
    ///
    /// - Parameters:
    ///   - path: Its path; the last folder of it is made with mode 0700 if it is missing.
    ///   - bytes: The content, which is on the disk when the method returns.
    ///   - mode: The rights, whatever the process's mask is.
    ///   - random: Source of the name under which the file is written first.
    /// - Returns: `false` if there was a file already, which is left as it is.
    /// - Throws: `KeyFileError.uncreatable`.
    static func create(
        _ path: String, _ bytes: [UInt8], mode: mode_t, using random: inout some RandomNumberGenerator
    ) throws(KeyFileError) -> Bool {
        let folder = folder(of: path)
        if mkdir(folder, 0o700) != 0, errno != EEXIST { throw .uncreatable(path, errno) }
        let temporary = "\(path).\(Hexadecimal.text(random.nextBytes(8))).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode & 0o600)
        guard descriptor >= 0 else { throw .uncreatable(path, errno) }
        defer { unlink(temporary) }
        let failure = write(bytes, mode: mode, to: descriptor)
        guard close(descriptor) == 0, failure == nil else { throw .uncreatable(path, failure ?? errno) }
        // A link appears with the whole content and never replaces a file, so that of several processes one wins.
        guard link(temporary, path) == 0 else {
            if errno == EEXIST { return false }
            throw .uncreatable(path, errno)
        }
        try synchronize(folder, for: path)
        return true
    }

    /// The content of a file.
    ///
    /// - Parameters:
    ///   - path: Its path.
    ///   - maximumBytes: A longer file is damaged.
    ///   - isSecret: Whether only the owner may have rights on it, and who that owner is matters.
    /// - Returns: The bytes, or `nil` when there is no file.
    /// - Throws: `KeyFileError`.
    static func read(_ path: String, maximumBytes: Int, isSecret: Bool) throws(KeyFileError) -> [UInt8]? {
        // A pipe in place of the file would otherwise wait for a writer for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .unreadable(path, errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .damaged(path, "it is no regular file") }
        if isSecret {
            guard status.st_mode & 0o077 == 0 else { throw .exposed(path) }
            let user = geteuid()
            guard user == 0 || status.st_uid == user || status.st_uid == 0 else { throw .foreign(path) }
        }
        var bytes: [UInt8] = []
        while bytes.count <= maximumBytes {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count > 0 { bytes += buffer[..<count] } else if errno != EINTR { throw .unreadable(path, errno) }
        }
        throw .damaged(path, "it has more than \(maximumBytes) bytes")
    }

    /// Whether a path can be that of a file.
    static func isUsable(_ path: String) -> Bool {
        !path.isEmpty && path.utf8.count <= 4000 && !path.hasSuffix("/") && !path.utf8.contains(0)
    }

    /// Writes everything to the disk; the error number if that fails.
    private static func write(_ bytes: [UInt8], mode: mode_t, to descriptor: Int32) -> Int32? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return errno }
        }
        return fchmod(descriptor, mode) == 0 && fsync(descriptor) == 0 ? nil : errno
    }

    /// Brings the folder's new entry to the disk.
    private static func synchronize(_ folder: String, for path: String) throws(KeyFileError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .uncreatable(path, errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw .uncreatable(path, errno) }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
