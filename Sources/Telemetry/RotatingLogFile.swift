// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A log file that is closed and renamed when it is full, and whose closed predecessors are deleted after some days.
///
/// Predecessors are named after the moment of closing in UTC, such as `error.2026-11-21T01-21-18Z.log`.
struct RotatingLogFile: Sendable {
    /// What the system refused.
    struct Failure: Error {
        let action: String
        let path: String
        let code: Int32
        var reason: String { String(cString: strerror(code)) }
    }

    let path: String
    private let folder: String
    private let stem: String
    private let maximumBytes: Int
    private let days: Int?
    private var descriptor: Int32 = -1
    private var size = 0
    /// Only a regular file is rotated: not `/dev/null`, not a pipe to a log collector.
    private var isRegular = true
    private var buffer: [UInt8] = []
    /// Whether the last attempt to write or open failed.
    private(set) var isFailing = false
    /// Whether the last write ended in the middle of a line.
    private var isTorn = false
    /// Whether a file was closed and renamed since predecessors were looked for.
    private(set) var hasNewPredecessor = false

    private static let bufferBytes = 64 * 1024

    /// Describes the file; `open` opens it.
    init(folder: String, stem: String, maximumBytes: Int, days: Int?) {
        self.folder = folder
        self.stem = stem
        self.maximumBytes = max(1, maximumBytes)
        self.days = days.map { min(max(0, $0), 1_000_000) }
        path = "\(folder)/\(stem).log"
    }

    /// Opens the file for appending, creating it when it is missing.
    mutating func open() throws(Failure) {
        closeDescriptor()
        let opened = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o640)
        guard opened >= 0 else {
            isFailing = true
            throw Failure(action: "opened", path: path, code: errno)
        }
        var status = stat()
        guard fstat(opened, &status) == 0 else {
            let code = errno
            Glibc.close(opened)
            throw Failure(action: "opened", path: path, code: code)
        }
        descriptor = opened
        size = Int(status.st_size)
        isRegular = status.st_mode & S_IFMT == S_IFREG
    }

    /// Adds one line, which ends with a line feed; it is on its way after `flush`.
    mutating func append(_ line: [UInt8], now: LogTime) throws(Failure) {
        let pending = size + buffer.count
        if isRegular, pending > 0, pending + line.count > maximumBytes {
            try flush()
            // The line goes on in whichever file is open then.
            defer { buffer += line }
            try rotate(now: now)
            return
        }
        buffer += line
        if buffer.count >= Self.bufferBytes { try flush() }
    }

    /// Writes what was added.
    ///
    /// After a failure the lines are lost, and the next call opens the file anew.
    mutating func flush() throws(Failure) {
        guard !buffer.isEmpty else { return }
        defer { buffer.removeAll(keepingCapacity: true) }
        if descriptor < 0 { try open() }
        if isTorn { buffer.insert(UInt8(ascii: "\n"), at: 0) }
        let (written, code) = LogDescriptor.write(buffer, to: descriptor)
        size += written
        if written > 0 { isTorn = buffer[written - 1] != UInt8(ascii: "\n") }
        isFailing = code != 0
        guard code == 0 else {
            closeDescriptor()
            throw Failure(action: "written", path: path, code: code)
        }
    }

    /// Deletes the predecessors that were closed the set number of days ago or earlier.
    mutating func deleteExpired(now: LogTime) {
        hasNewPredecessor = false
        guard let days, let listing = opendir(folder) else { return }
        defer { closedir(listing) }
        var expired: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
            }
            if let closed = closingTime(of: name), now.seconds - closed >= days * 86400 { expired.append(name) }
        }
        for name in expired { unlink("\(folder)/\(name)") }
    }

    mutating func close() {
        try? flush()
        closeDescriptor()
    }

    private mutating func closeDescriptor() {
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        descriptor = -1
    }

    private mutating func rotate(now: LogTime) throws(Failure) {
        let time = CalendarTime(now, isUTC: true)
        let seconds = String(time.internetTime.prefix(19)).replacing(":", with: "-")
        var target = "\(folder)/\(stem).\(seconds)Z.log"
        var number = 1
        while access(target, F_OK) == 0, number < 10_000 {
            target = "\(folder)/\(stem).\(seconds)Z-\(number).log"
            number += 1
        }
        guard rename(path, target) == 0 else {
            let code = errno
            // Removed or renamed by another process: begin a new one. Otherwise go on with the file that is too long.
            if code == ENOENT { try open() } else { size = 0 }
            isFailing = true
            throw Failure(action: "renamed", path: path, code: code)
        }
        hasNewPredecessor = true
        try open()
    }

    /// When a predecessor was closed, by its name: `stem.YYYY-MM-DDTHH-MM-SSZ.log` or with `-N` before `.log`.
    private func closingTime(of name: String) -> Int? {
        guard name.hasPrefix("\(stem)."), name.hasSuffix(".log") else { return nil }
        let middle = Array(name.utf8.dropFirst(stem.utf8.count + 1).dropLast(4))
        let pattern = Array("dddd-dd-ddTdd-dd-ddZ".utf8)
        guard middle.count >= pattern.count else { return nil }
        for (byte, expected) in zip(middle, pattern) {
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            guard expected == UInt8(ascii: "d") ? isDigit : byte == expected else { return nil }
        }
        let suffix = middle.dropFirst(pattern.count)
        guard suffix.isEmpty || suffix.first == UInt8(ascii: "-") else { return nil }
        func number(_ range: Range<Int>) -> Int32 {
            middle[range].reduce(0) { $0 * 10 + Int32($1 - UInt8(ascii: "0")) }
        }
        var parts = tm()
        parts.tm_year = number(0..<4) - 1900
        parts.tm_mon = number(5..<7) - 1
        parts.tm_mday = number(8..<10)
        parts.tm_hour = number(11..<13)
        parts.tm_min = number(14..<16)
        parts.tm_sec = number(17..<19)
        return timegm(&parts)
    }
}

/// Writing to a descriptor that may be slow, full or gone.
enum LogDescriptor {
    /// Longest wait for a reader that does not read.
    private static let timeoutMilliseconds: Int32 = 2000

    /// Writes all of `bytes` unless the system refuses.
    ///
    /// - Returns: How many bytes were written, and the error's number, 0 for none.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> (written: Int, code: Int32) {
        bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let count = Glibc.write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
                if count >= 0 {
                    written += count
                    continue
                }
                let code = errno
                if code == EINTR { continue }
                guard code == EAGAIN else { return (written, code) }
                var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                if Glibc.poll(&poll, 1, timeoutMilliseconds) == 0 { return (written, code) }
            }
            return (written, 0)
        }
    }
}
