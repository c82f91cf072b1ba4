// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Telemetry

/// The files of the log: when they are closed, renamed, deleted and opened again.
struct LogFileTests: LogFixture {
    let folder: TemporaryFolder
    let clock = ManualClock()

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func fullFileIsRenamedAndNothingIsLost() throws {
        var configuration = try configuration()
        configuration.console = false
        configuration.maximumFileBytes = 100
        let sink = try LogSink(configuration)
        let logger = logger(sink)

        for number in 0..<50 { logger.error("message \(number)") }
        sink.shutdown()

        let names = folder.names(in: "log")
        #expect(names.count > 5)
        #expect(names.contains("error.log") && names.contains("error.2026-03-01T00-04-05Z.log"))
        #expect(names.contains("error.2026-03-01T00-04-05Z-1.log"))
        var lines: [String] = []
        for name in names {
            let text = folder.text("log/\(name)")
            #expect((1...100).contains(text.utf8.count))
            #expect(text.hasSuffix("\n"))
            lines += text.split(separator: "\n").map(String.init)
        }
        #expect(lines.sorted() == (0..<50).map { "ERROR message \($0)" }.sorted())
    }

    @Test func existingFileIsContinuedAndItsSizeCounts() throws {
        var configuration = try configuration()
        configuration.maximumFileBytes = 30
        mkdir(folder.path("log"), 0o700)
        try folder.write("older line of 24 bytes.\n", to: "log/error.log")
        let sink = try LogSink(configuration)

        logger(sink).error("next")
        sink.shutdown()

        #expect(folder.text("log/error.2026-03-01T00-04-05Z.log") == "older line of 24 bytes.\n")
        #expect(folder.text("log/error.log") == "ERROR next\n")
    }

    @Test func closedFilesAreDeletedAfterTheirDays() throws {
        var configuration = try configuration(.debug)
        configuration.errorDays = 3
        configuration.debugDays = 1
        mkdir(folder.path("log"), 0o700)
        let kept = [
            "error.2026-02-26T00-04-06Z.log", "debug.2026-02-28T12-00-00Z.log", "error.2026-02-20.log", "errors.log",
            "error.2026-02-20T00-00-00Z.log.gz", "other.2020-01-01T00-00-00Z.log", "error.2020-01-01T00-00-00Zx.log",
        ]
        let deleted = [
            "error.2026-02-26T00-04-05Z.log", "error.2026-02-01T00-00-00Z-3.log", "debug.2026-02-27T12-00-00Z.log",
        ]
        for name in kept + deleted { try folder.write("", to: "log/\(name)") }

        let sink = try LogSink(configuration)
        #expect(folder.names(in: "log") == (kept + ["error.log", "debug.log"]).sorted())

        // A running server looks again when it writes, at most once an hour.
        clock.advance(by: .seconds(86400))
        logger(sink).info("a day later")
        sink.shutdown()
        let names = folder.names(in: "log")
        #expect(!names.contains(kept[0]) && !names.contains(kept[1]))
        #expect(names.count == kept.count)
    }

    @Test func aClockThatIsSetAheadMakesNoFileOld() throws {
        var configuration = try configuration()
        configuration.errorDays = 3
        configuration.maximumFileBytes = 30
        let ahead = Mutex(0)
        let right = configuration.now
        configuration.now = { LogTime(seconds: right().seconds + ahead.withLock { $0 }) }
        mkdir(folder.path("log"), 0o700)
        let old = "error.2026-02-26T03-00-00Z.log"
        try folder.write("", to: "log/\(old)")
        let sink = try LogSink(configuration)

        ahead.withLock { $0 = 365 * 86400 }
        clock.advance(by: .seconds(3600))
        logger(sink).error("after an hour, and a year by the clock")
        logger(sink).error("in a file of its own")
        sink.flush()
        #expect(folder.names(in: "log").count == 3 && folder.names(in: "log").contains(old))

        // It is old when its days have passed.
        ahead.withLock { $0 = 0 }
        clock.advance(by: .seconds(7200))
        logger(sink).error("the clock is right again")
        sink.shutdown()
        #expect(!folder.names(in: "log").contains(old))
    }

    @Test(arguments: [Int?.none, Int.max]) func filesAreKeptForeverWhenAsked(_ days: Int?) throws {
        var configuration = try configuration()
        configuration.errorDays = days
        mkdir(folder.path("log"), 0o700)
        try folder.write("", to: "log/error.1999-01-01T00-00-00Z.log")

        try LogSink(configuration).shutdown()

        #expect(access(folder.path("log/error.1999-01-01T00-00-00Z.log"), F_OK) == 0)
    }

    @Test func reopeningFollowsARename() throws {
        let sink = try LogSink(configuration())
        let logger = logger(sink)
        logger.error("one")
        sink.flush()

        rename(folder.path("log/error.log"), folder.path("log/moved"))
        logger.error("two")
        sink.flush()
        sink.reopen()
        logger.error("three")
        sink.shutdown()

        #expect(folder.lines("log/moved") == ["ERROR one", "ERROR two"])
        #expect(folder.lines("log/error.log") == ["ERROR three"])
    }

    @Test func folderThatCannotBeMadeIsNamed() throws {
        try folder.write("", to: "file")
        var configuration = try configuration()
        configuration.folder = folder.path("file/log")

        let error = #expect(throws: LogError.self) { try LogSink(configuration) }
        #expect(error?.path == folder.path("file/log"))
        #expect(error?.description.contains("The log folder '\(folder.path("file/log"))' cannot be written") == true)
    }

    @Test func fileThatCannotBeOpenedIsNamed() throws {
        mkdir(folder.path("log"), 0o700)
        mkdir(folder.path("log/error.log"), 0o700)

        let error = #expect(throws: LogError.self) { try LogSink(configuration()) }
        #expect(error?.description.contains(folder.path("log/error.log")) == true)
    }
}
