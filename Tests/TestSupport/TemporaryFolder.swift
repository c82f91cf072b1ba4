// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Glibc

/// A folder that is removed, with everything in it, when the value goes.
package final class TemporaryFolder: Sendable {
    package struct Failure: Error {
        package var errorNumber: Int32
    }

    package let path: String

    /// Makes it, under `TMPDIR` or `/tmp`.
    package init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/parley-XXXXXX".utf8CString)
        guard let name = mkdtemp(&template) else { throw Failure(errorNumber: errno) }
        path = String(cString: name)
    }

    deinit {
        remove()
    }

    /// Removes it before.
    package func remove() {
        Self.remove(path)
    }

    /// The path of a file in it.
    package func path(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file and returns its path.
    @discardableResult
    package func write(_ text: String, to name: String, mode: mode_t = 0o600) throws -> String {
        try write(Array(text.utf8), to: name, mode: mode)
    }

    /// The same for bytes.
    @discardableResult
    package func write(_ bytes: [UInt8], to name: String, mode: mode_t = 0o600) throws -> String {
        let descriptor = open(path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(errorNumber: errno) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fchmod(descriptor, mode) == 0 else {
            throw Failure(errorNumber: errno)
        }
        return path(name)
    }

    /// The text of a file in it; empty when there is none.
    package func text(_ name: String) -> String { Self.text(path(name)) }

    /// Its lines, none of them empty.
    package func lines(_ name: String) -> [Substring] { text(name).split(separator: "\n") }

    /// The rights of a file or folder in it.
    package func mode(of name: String) throws -> mode_t {
        var status = stat()
        guard stat(path(name), &status) == 0 else { throw Failure(errorNumber: errno) }
        return status.st_mode & 0o7777
    }

    /// The names in it, or in a folder of it, in order.
    package func names(in folder: String = "") -> [String] { Self.names(inFolder: path(folder)) }

    /// The text of any file; empty when there is none.
    package static func text(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk.prefix(count) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The names in any folder, in order.
    package static func names(inFolder path: String) -> [String] {
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

    private static func remove(_ path: String) {
        for name in names(inFolder: path) where unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        rmdir(path)
    }
}
