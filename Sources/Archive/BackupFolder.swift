// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Storage

/// A folder of backups, whose names say when they were begun: `parley-20260131-235959.tar.gz`.
package struct BackupFolder: Sendable {
    /// One backup in the folder.
    package struct Entry: Sendable {
        package var name: String
        package var path: String
        /// Of the file, compressed.
        package var bytes: Int
        /// What it says it is; `nil` when it cannot be read.
        package var about: ArchiveAbout?
    }

    private static let prefix = "parley-"
    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// The path of a backup that is begun now.
    package func newPath(at time: Timestamp) -> String { "\(path)/\(Self.name(at: time.milliseconds))" }

    private static func name(at milliseconds: Int64) -> String {
        let date = UTCDate(milliseconds: milliseconds)
        func digits(_ text: String) -> String { String(text.filter(\.isNumber)) }
        return "\(prefix)\(digits(date.day))-\(digits(date.time))\(ArchiveFile.suffix)"
    }

    /// Makes the folder, which only its owner may read, unless it is there.
    package func create() throws {
        guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        throw ArchiveError(
            .inputOutput, "The folder '\(path)' cannot be made: \(String(cString: strerror(errno))).")
    }

    /// The backups, the oldest first; none when there is no folder.
    package func entries() throws -> [Entry] {
        try names().map { name in
            let path = "\(path)/\(name)"
            var status = stat()
            let bytes = stat(path, &status) == 0 ? Int(status.st_size) : 0
            return Entry(name: name, path: path, bytes: bytes, about: try? Self.about(path))
        }
    }

    /// When the newest backup was written, in milliseconds since 1970; `nil` when there is none.
    ///
    /// One from the future, made while the clock was ahead, does not count: no other would be made until then. A file
    /// that is from the future is as old as its name says.
    package func newest(now: Timestamp) throws -> Int64? { try newestFile(now: now)?.time }

    /// The same with its size.
    package func newestFile(now: Timestamp) throws -> (time: Int64, bytes: Int64)? {
        let limit = Self.limit(now: now)
        for name in try backups(now: now).past.reversed() {
            var status = stat()
            guard stat("\(path)/\(name)", &status) == 0 else { continue }
            // The clock may have gone ahead while it was written: then it is as old as its name.
            let times = [Int64(status.st_mtim.tv_sec) * 1000, Self.time(of: name)]
            if let time = times.first(where: { $0 <= limit }) { return (time, Int64(status.st_size)) }
        }
        return nil
    }

    /// Deletes backups that bear a name of ours until `keep` are left: first those from the future, then the oldest.
    ///
    /// - Returns: The names of what was deleted.
    package func removeOld(keeping keep: Int, now: Timestamp) throws -> [String] {
        let (past, future) = try backups(now: now)
        let old = (future + past).dropLast(max(1, keep))
        return old.filter { unlink("\(path)/\($0)") == 0 }
    }

    /// Deletes a backup that turned out to be none.
    package func remove(_ path: String) { unlink(path) }

    /// Deletes what backups left behind that were killed more than a day ago.
    package func removeAbandoned(now: Timestamp) throws {
        for name in try names(isWanted: { name in
            name.hasPrefix(Self.prefix) && Self.isOurs(String(name.dropLast(7))) && name.dropLast(6).hasSuffix(".")
        }) {
            var status = stat()
            let path = "\(path)/\(name)"
            guard stat(path, &status) == 0, Int64(status.st_mtim.tv_sec) < now.milliseconds / 1000 - 86_400 else {
                continue
            }
            unlink(path)
        }
    }

    /// The names of ours that the clock has reached, and those that are further ahead of it than it may be set back.
    private func backups(now: Timestamp) throws -> (past: [String], future: [String]) {
        // Names of ours are in the order of their times.
        let last = Self.name(at: Self.limit(now: now))
        let ours = try names().filter(Self.isOurs)
        return (ours.filter { $0 <= last }, ours.filter { $0 > last })
    }

    /// What is later was made while the clock was wrong.
    private static func limit(now: Timestamp) -> Int64 {
        let (limit, isTooLarge) = now.milliseconds.addingReportingOverflow(Timestamp.longestCorrection)
        return isTooLarge ? now.milliseconds : limit
    }

    private func names(
        isWanted: (String) -> Bool = { $0.hasSuffix(ArchiveFile.suffix) && !$0.hasPrefix(".") }
    ) throws -> [String] {
        guard let folder = opendir(path) else {
            if errno == ENOENT { return [] }
            throw ArchiveError(
                .inputOutput, "The folder '\(path)' cannot be read: \(String(cString: strerror(errno))).")
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if isWanted(name) { names.append(name) }
        }
        return names.sorted()
    }

    private static func isOurs(_ name: String) -> Bool {
        guard name.hasPrefix(prefix), name.hasSuffix(ArchiveFile.suffix) else { return false }
        let middle = name.utf8.dropFirst(prefix.utf8.count).dropLast(ArchiveFile.suffix.utf8.count)
        return middle.count == 15
            && middle.enumerated().allSatisfy { index, byte in
                index == 8 ? byte == UInt8(ascii: "-") : (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            }
    }

    /// The time in a name of ours, in milliseconds since 1970.
    private static func time(of name: String) -> Int64 {
        let digits = name.utf8.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        func number(_ range: Range<Int>) -> Int32 {
            digits[range].reduce(0) { $0 * 10 + Int32($1 - UInt8(ascii: "0")) }
        }
        var parts = tm()
        parts.tm_year = number(0..<4) - 1900
        parts.tm_mon = number(4..<6) - 1
        parts.tm_mday = number(6..<8)
        parts.tm_hour = number(8..<10)
        parts.tm_min = number(10..<12)
        parts.tm_sec = number(12..<14)
        return Int64(timegm(&parts)) * 1000
    }

    private static func about(_ path: String) throws -> ArchiveAbout {
        try ArchiveFile.read(path) { try ArchiveReader(descriptor: $0).about }
    }
}
