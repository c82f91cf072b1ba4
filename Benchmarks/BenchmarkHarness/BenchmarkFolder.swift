// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A folder for the files of one run, on a real disk.
package struct BenchmarkFolder: Sendable {
    package let path: String

    /// Makes it.
    ///
    /// - Parameter parent: The folder to make it in.
    /// - Throws: `BenchmarkFailure` when that cannot be written, or lies in memory: a commit would cost nothing there.
    package init(in parent: String) throws(BenchmarkFailure) {
        if Self.liesInMemory(parent) {
            throw BenchmarkFailure("'\(parent)' lies in memory. Name a folder on a disk with --folder.")
        }
        var template = Array("\(parent)/parley-benchmark.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw BenchmarkFailure("There is no folder to be had in '\(parent)': \(String(cString: strerror(errno))).")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private init(path: String) {
        self.path = path
    }

    /// Makes a folder in it.
    ///
    /// - Parameter name: Its name.
    /// - Returns: The folder, which goes with this one.
    /// - Throws: `BenchmarkFailure` when it cannot be made.
    package func subfolder(_ name: String) throws(BenchmarkFailure) -> BenchmarkFolder {
        let folder = BenchmarkFolder(path: path + "/" + name)
        guard mkdir(folder.path, 0o700) == 0 else {
            throw BenchmarkFailure("The folder '\(folder.path)' cannot be made: \(String(cString: strerror(errno))).")
        }
        return folder
    }

    /// Whether the file system that holds a path is one in memory, by the longest of its mount points.
    private static func liesInMemory(_ path: String) -> Bool {
        guard let resolved = realpath(path, nil) else { return false }
        defer { free(resolved) }
        let full = String(cString: resolved) + "/"
        let mounts = ProcText.read("/proc/self/mounts")?.split(separator: "\n") ?? []
        let holders = mounts.compactMap { line -> (point: String, type: Substring)? in
            let fields = line.split(separator: " ")
            guard fields.count > 2 else { return nil }
            let point = fields[1].hasSuffix("/") ? String(fields[1]) : fields[1] + "/"
            return full.hasPrefix(point) ? (point, fields[2]) : nil
        }
        let type = holders.max { $0.point.count < $1.point.count }?.type
        return type == "tmpfs" || type == "ramfs"
    }

    /// Removes it with everything in it.
    package func remove() {
        Self.remove(path)
    }

    private static func remove(_ path: String) {
        guard let folder = opendir(path) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            if unlink(path + "/" + name) != 0 { remove(path + "/" + name) }
        }
        closedir(folder)
        rmdir(path)
    }

    /// Writes a file that only its owner can read.
    ///
    /// - Parameters:
    ///   - text: What it holds.
    ///   - name: Its name in the folder.
    /// - Returns: Its path.
    /// - Throws: `BenchmarkFailure` when it cannot be written.
    package func write(_ text: String, to name: String) throws(BenchmarkFailure) -> String {
        let file = open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        var text = text
        let written = text.withUTF8 { file < 0 ? -1 : Glibc.write(file, $0.baseAddress, $0.count) }
        if file >= 0 { close(file) }
        guard written == text.utf8.count else { throw BenchmarkFailure("'\(path)/\(name)' cannot be written.") }
        return path + "/" + name
    }
}
