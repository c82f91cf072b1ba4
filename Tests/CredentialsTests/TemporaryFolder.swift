// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A folder that exists as long as the value.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/parley-credentials-XXXXXX".utf8CString)
        guard let name = mkdtemp(&template) else { throw Failure(errorNumber: errno) }
        path = String(cString: name)
    }

    deinit {
        remove(path)
    }

    struct Failure: Error { var errorNumber: Int32 }

    /// Writes a file and returns its path.
    @discardableResult
    func write(_ text: String, to name: String, mode: mode_t = 0o600) throws -> String {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(errorNumber: errno) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count, fchmod(descriptor, mode) == 0 else {
            throw Failure(errorNumber: errno)
        }
        return file
    }

    func read(_ name: String) throws -> String {
        let descriptor = open("\(path)/\(name)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(errorNumber: errno) }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { throw Failure(errorNumber: errno) }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// The rights of a file or folder in it.
    func mode(of name: String) throws -> mode_t {
        var status = stat()
        guard stat("\(path)/\(name)", &status) == 0 else { throw Failure(errorNumber: errno) }
        return status.st_mode & 0o7777
    }

    func names(in folder: String = "") -> [String] { Self.names("\(path)/\(folder)") }

    private static func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private func remove(_ path: String) {
        for name in Self.names(path) where unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        rmdir(path)
    }
}
