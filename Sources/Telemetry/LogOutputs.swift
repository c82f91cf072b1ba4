// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Console and files, used by the writer only.
struct LogOutputs: Sendable {
    private let configuration: LogConfiguration
    private var errorFile: RotatingLogFile?
    private var debugFile: RotatingLogFile?
    private var calendar: LogCalendar
    private var console: [UInt8] = []
    private let start: (time: LogTime, instant: ContinuousClock.Instant)
    private var lastExpiry: ContinuousClock.Instant

    private static let consoleBufferBytes = 64 * 1024
    private static let pauseBetweenExpiries = Duration.seconds(3600)
    /// A clock that gains more than this on the time that has passed was set ahead.
    private static let longestCorrectionSeconds = 3600

    /// Creates the folder and opens the files.
    ///
    /// - Throws: `LogError`, which names the folder or file that cannot be used.
    init(_ configuration: LogConfiguration) throws(LogError) {
        self.configuration = configuration
        start = (configuration.now(), configuration.instant())
        lastExpiry = start.instant
        calendar = LogCalendar(alwaysUTC: configuration.usesUTC)
        guard let folder = configuration.folder else { return }
        try Self.createFolder(folder)
        errorFile = try Self.open("error", in: folder, days: configuration.errorDays, configuration)
        if configuration.level < .info {
            debugFile = try Self.open("debug", in: folder, days: configuration.debugDays, configuration)
        }
        deleteExpired()
    }

    mutating func write(_ records: [LogRecord]) {
        var line: [UInt8] = []
        for record in records {
            if configuration.console {
                render(record, colours: configuration.colours, to: &line)
                if configuration.marksPriorities { console += record.level.journalMark }
                console += line
                if console.count >= Self.consoleBufferBytes { flushConsole() }
            }
            if record.level >= .error, errorFile != nil {
                render(record, colours: false, to: &line)
                attempt(\.errorFile) { file throws(RotatingLogFile.Failure) in
                    try file.append(line, now: record.time)
                }
            }
            if debugFile != nil {
                render(record, colours: false, to: &line)
                attempt(\.debugFile) { file throws(RotatingLogFile.Failure) in
                    try file.append(line, now: record.time)
                }
            }
        }
        attempt(\.errorFile) { file throws(RotatingLogFile.Failure) in try file.flush() }
        attempt(\.debugFile) { file throws(RotatingLogFile.Failure) in try file.flush() }
        flushConsole()
    }

    /// Deletes old files when one was added or the last look at them is an hour ago.
    mutating func deleteExpiredNowAndThen() {
        let isDue = lastExpiry.duration(to: configuration.instant()) >= Self.pauseBetweenExpiries
        let isNew = errorFile?.hasNewPredecessor == true || debugFile?.hasNewPredecessor == true
        if isDue || isNew { deleteExpired() }
    }

    /// Opens the files by their names again, after another program has renamed them.
    mutating func reopen() {
        attempt(\.errorFile) { file throws(RotatingLogFile.Failure) in try file.open() }
        attempt(\.debugFile) { file throws(RotatingLogFile.Failure) in try file.open() }
    }

    mutating func close() {
        errorFile?.close()
        debugFile?.close()
    }

    /// What is old by a clock that was set ahead meanwhile stays.
    private mutating func deleteExpired() {
        lastExpiry = configuration.instant()
        let passed = Int(start.instant.duration(to: lastExpiry).components.seconds)
        let latest = start.time.seconds + passed + Self.longestCorrectionSeconds
        let now = LogTime(seconds: min(configuration.now().seconds, latest))
        errorFile?.deleteExpired(now: now)
        debugFile?.deleteExpired(now: now)
    }

    private mutating func render(_ record: LogRecord, colours: Bool, to line: inout [UInt8]) {
        line.removeAll(keepingCapacity: true)
        switch configuration.format {
        case .json: record.appendJSON(to: &line)
        case .logfmt: record.appendLogfmt(to: &line)
        case .text:
            configuration.template(for: record.level).append(record, calendar: &calendar, colours: colours, to: &line)
            LogMetadata.appendText(record.metadata, to: &line)
        }
        line.append(UInt8(ascii: "\n"))
    }

    /// Does something with a file.
    ///
    /// The first failure of a row is told on the console; the log goes on without the file.
    private mutating func attempt(
        _ file: WritableKeyPath<LogOutputs, RotatingLogFile?>,
        _ action: (inout RotatingLogFile) throws(RotatingLogFile.Failure) -> Void
    ) {
        guard var current = self[keyPath: file] else { return }
        // Taken out for the call, so that its buffer is changed in place.
        self[keyPath: file] = nil
        defer { self[keyPath: file] = current }
        let isKnown = current.isFailing
        do {
            try action(&current)
        } catch {
            guard configuration.console, !isKnown else { return }
            if configuration.marksPriorities { console += LogLevel.error.journalMark }
            console += Array("The log file '\(error.path)' cannot be \(error.action): \(error.reason).\n".utf8)
        }
    }

    private mutating func flushConsole() {
        guard !console.isEmpty else { return }
        // A console that is gone or does not read loses lines; there is no place left to say so.
        _ = LogDescriptor.write(console, to: configuration.consoleDescriptor)
        console.removeAll(keepingCapacity: true)
    }

    private static func open(
        _ stem: String, in folder: String, days: Int?, _ configuration: LogConfiguration
    ) throws(LogError) -> RotatingLogFile {
        var file = RotatingLogFile(
            folder: folder, stem: stem, maximumBytes: configuration.maximumFileBytes, days: days)
        do throws(RotatingLogFile.Failure) {
            try file.open()
        } catch {
            throw LogError(path: error.path, kind: "file", reason: error.reason)
        }
        return file
    }

    private static func createFolder(_ folder: String) throws(LogError) {
        var index = folder.startIndex
        // Each part of the path in turn; those that exist already say EEXIST.
        while index < folder.endIndex {
            let next = folder[folder.index(after: index)...].firstIndex(of: "/") ?? folder.endIndex
            if mkdir(String(folder[..<next]), 0o750) != 0, ![EEXIST, EISDIR, EACCES, EROFS].contains(errno) {
                throw LogError(path: folder, kind: "folder", reason: String(cString: strerror(errno)))
            }
            index = next
        }
        var status = stat()
        if stat(folder, &status) == 0, status.st_mode & S_IFMT != S_IFDIR {
            throw LogError(path: folder, kind: "folder", reason: nil)
        }
        guard access(folder, W_OK | X_OK) == 0 else {
            throw LogError(path: folder, kind: "folder", reason: String(cString: strerror(errno)))
        }
    }
}

/// Why logging cannot begin.
package struct LogError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The folder or file.
    package let path: String
    /// One sentence that names it, with the next step.
    package let description: String

    /// `reason` is what the system said; `nil` when something else has the folder's name.
    init(path: String, kind: String, reason: String?) {
        self.path = path
        description =
            reason.map { reason in
                "The log \(kind) '\(path)' cannot be written: \(reason). Make it writable for the server's user, or "
                    + "set LOGGING.FOLDER to another folder."
            }
            ?? "The log folder '\(path)' is a file. Move it away, or set LOGGING.FOLDER to another folder."
    }
}
