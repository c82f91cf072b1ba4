// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Operations
import Settings

/// A file whose only line is a token of `manage token create`, and which only its owner can read.
enum TokenFile {
    private static let maximumBytes = 512

    /// Reads the token.
    ///
    /// - Throws: `CommandError`: 6 for a file that is not there, 78 for one that others can read or that has no token.
    static func token(at path: String) throws(CommandError) -> SecretText {
        let absolute = SettingsFile.absolute(path, folder: CommandContext.current.currentFolder)
        let descriptor = open(absolute, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR {
                throw CommandError(.notFound, "The token file '\(path)' does not exist.", nextStep: "Check the path.")
            }
            throw CommandError(
                .settings, "The token file '\(path)' cannot be read: \(String(cString: strerror(errno))).",
                nextStep: "Check the path and its rights.")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, [S_IFREG, S_IFIFO].contains(status.st_mode & S_IFMT) else {
            throw CommandError(.settings, "The token file '\(path)' is no file.", nextStep: "Check the path.")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw CommandError(
                .settings, "The token file '\(path)' can be read by others.",
                nextStep: "Run chmod 600 on it, revoke the token with 'manage token revoke', and make another one.")
        }
        return try token(in: bytes(of: descriptor), path: path)
    }

    /// At most one more than a token has.
    private static func bytes(of descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count <= maximumBytes {
            var buffer = [UInt8](repeating: 0, count: maximumBytes + 1)
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count > 0 { bytes += buffer[..<count] } else if count == 0 || errno != EINTR { break }
        }
        return bytes
    }

    private static func token(in bytes: [UInt8], path: String) throws(CommandError) -> SecretText {
        var line = bytes[...]
        while let last = line.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { line.removeLast() }
        guard !line.isEmpty, line.count <= maximumBytes, line.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw CommandError(
                .settings, "The token file '\(path)' does not hold one token and nothing else.",
                nextStep: "Put the token of 'manage token create' into it.")
        }
        return SecretText(String(decoding: line, as: UTF8.self))
    }
}
