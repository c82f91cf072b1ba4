// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Reads a template file, with bounds.
enum TemplateFile {
    /// The largest file that is taken.
    static let maximumBytes = 256 * 1024

    /// The text of the file; `nil` when there is no such file.
    static func contents(of path: String) throws(TemplateError) -> String? {
        // Without O_NONBLOCK a named pipe would make the start wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure(path, "It cannot be read (\(String(cString: strerror(errno)))).")
        }
        defer { close(descriptor) }
        // A pipe has no place to read from; a folder is refused when it is read.
        guard lseek(descriptor, 0, SEEK_CUR) == 0 else { throw failure(path, "It is not a regular file.") }
        let bytes = try readAll(descriptor, path: path)
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }
        throw TemplateError(path: path, line: line.map { $0 + 1 }, message: "The text is not UTF-8.")
    }

    private static func readAll(_ descriptor: Int32, path: String) throws(TemplateError) -> [UInt8] {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = read(descriptor, &part, part.count)
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                if errno == EISDIR { throw failure(path, "It is not a regular file.") }
                throw failure(path, "It cannot be read (\(String(cString: strerror(errno)))).")
            }
            bytes += part[..<count]
            if bytes.count > self.maximumBytes {
                throw failure(path, "It is larger than \(self.maximumBytes / 1024) KiB.")
            }
        }
    }

    private static func failure(_ path: String, _ message: String) -> TemplateError {
        TemplateError(path: path, line: nil, message: message)
    }
}
