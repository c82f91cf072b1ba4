// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import TestSupport
import Testing

@testable import Telemetry

/// What an operator changes and watches while the process runs.
struct LogWatchTests: LogFixture {
    let folder: TemporaryFolder
    let clock = ManualClock()

    init() throws {
        folder = try TemporaryFolder()
    }

    private func log(_ logger: Logger, _ level: Logger.Level, _ message: Logger.Message, source: String) {
        logger.log(level: level, message, source: source)
    }

    @Test func moduleHasALevelOfItsOwnUntilItIsTakenAway() throws {
        let sink = try LogSink(configuration(.info))
        let logger = logger(sink)
        log(logger, .debug, "before", source: "Transport")

        #expect(sink.setLevel(.debug, of: "transport"))
        #expect(sink.setLevel(.error, of: "Skaro"))
        log(logger, .debug, "shown", source: "Transport")
        log(logger, .debug, "hidden", source: "Chat")
        log(logger, .warning, "hidden", source: "Skaro")
        log(logger, .info, "other", source: "Chat")
        #expect(sink.levels.modules == ["transport": .debug, "skaro": .error])
        #expect(sink.setLevel(nil, of: "Transport"))
        #expect(logger.logLevel == .info)
        log(logger, .debug, "after", source: "Transport")
        sink.shutdown()

        #expect(folder.lines("console") == ["DEBUG shown", "INFO other"])
    }

    @Test func fileOfAModuleCanBeNamed() throws {
        let sink = try LogSink(configuration(.info))
        #expect(sink.setLevel(.debug, of: "Transport.Listener"))
        for file in ["Transport/Listener.swift", "Transport/Other.swift"] {
            sink.submit(
                level: .debug, label: "test", message: file, metadata: [:], source: "Transport", file: file,
                function: "f()", line: 1)
        }
        sink.shutdown()

        #expect(folder.lines("console") == ["DEBUG Transport/Listener.swift"])
    }

    @Test func namesThatAreNoneAndTooManyAreRefused() throws {
        let sink = try LogSink(configuration(.info))

        for name in ["", "a b", "a\n", String(repeating: "a", count: 101), "ä"] {
            #expect(!sink.setLevel(.debug, of: name), "\(name)")
        }
        for number in 0..<LogLevels.maximumModules { #expect(sink.setLevel(.debug, of: "M\(number)")) }
        #expect(!sink.setLevel(.debug, of: "OneMore"))
        #expect(sink.setLevel(nil, of: "M1") && sink.setLevel(.debug, of: "OneMore"))
        sink.shutdown()
    }

    @Test func watcherSeesMoreThanTheLogWithoutChangingIt() throws {
        let sink = try LogSink(configuration(.info))
        let logger = logger(sink)
        logger.info("first")
        let watch = try sink.beginWatching(LogFilter(level: .debug, module: "Skaro"), last: 10)

        #expect(logger.logLevel == .debug)
        log(logger, .debug, "seen", source: "Skaro")
        log(logger, .debug, "of another module", source: "MTP")
        log(logger, .trace, "too small", source: "Skaro")
        logger.log(level: .error, "failed", metadata: ["user.password": "hunter2", "n": "5"], source: "Skaro")
        let read = try #require(sink.readWatched(watch.id))
        let empty = try #require(sink.readWatched(watch.id))
        sink.shutdown()

        #expect(watch.records.isEmpty)
        #expect(read.records.map(\.message) == ["seen", "failed"] && read.dropped == 0)
        #expect(read.records.last?.metadata == ["user.password": "[redacted]", "n": "5"])
        #expect(read.records.first?.module == "Skaro.LogWatchTests")
        #expect(empty.records.isEmpty)
        #expect(
            folder.lines("console").map { $0.split(separator: " ").prefix(2).joined(separator: " ") } == [
                "INFO first", "ERROR failed",
            ])
    }

    @Test func watchBeginsWithTheLastMessages() throws {
        let sink = try LogSink(configuration(.info))
        let logger = logger(sink)
        for number in 0..<1200 { logger.info("\(number)") }
        #expect(sink.flush())

        let watch = try sink.beginWatching(LogFilter(level: .info), last: 3)

        #expect(watch.records.map(\.message) == ["1197", "1198", "1199"])
        sink.shutdown()
    }

    @Test func slowWatcherIsToldHowMuchItMissed() throws {
        let sink = try LogSink(configuration(.info))
        let logger = logger(sink)
        let watch = try sink.beginWatching(LogFilter(level: .trace), last: 0)

        for number in 0..<1300 { logger.trace("\(number)") }
        var messages: [String] = []
        var dropped = 0
        while let read = sink.readWatched(watch.id), !read.records.isEmpty || read.dropped > 0 {
            messages += read.records.map(\.message)
            dropped += read.dropped
        }
        sink.shutdown()

        #expect(messages == (0..<1000).map { "\($0)" })
        #expect(dropped == 300)
    }

    @Test func watcherThatDoesNotComeBackIsForgotten() throws {
        let sink = try LogSink(configuration(.info))
        let logger = logger(sink)
        let watch = try sink.beginWatching(LogFilter(level: .trace), last: 0)

        clock.advance(by: .seconds(86400))
        logger.trace("the last that is made")

        #expect(logger.logLevel == .info)
        #expect(sink.readWatched(watch.id) == nil)
        for _ in 0..<16 { _ = try sink.beginWatching(LogFilter(level: .info), last: 0) }
        #expect(throws: LogWatchRefusal.full) { try sink.beginWatching(LogFilter(level: .info), last: 0) }
        sink.shutdown()
    }

    /// Watches neither end with a time of day that is set ahead, nor last until one that was.
    @Test(arguments: [-365 * 86_400, 365 * 86_400]) func watchesDoNotGoByTheTimeOfDay(jump: Int) throws {
        let jumped = Tally()
        var configuration = try configuration(.info)
        configuration.now = { LogTime(seconds: 1_772_323_445 + (jumped.value > 0 ? jump : 0)) }
        let sink = try LogSink(configuration)
        let logger = logger(sink)
        let watch = try sink.beginWatching(LogFilter(level: .trace), last: 0)

        jumped.increment()
        logger.trace("seen")
        #expect(try #require(sink.readWatched(watch.id)).records.map(\.message) == ["seen"])
        clock.advance(by: .seconds(31))
        logger.trace("not seen")

        #expect(sink.readWatched(watch.id) == nil)
        sink.shutdown()
    }

    /// Neither one holder nor all of them take the watches of those who have none, nor read another's.
    @Test func holdersHaveAShareOfTheWatches() throws {
        let sink = try LogSink(configuration(.info))
        func begin(_ holder: String?) throws -> UInt64 {
            try sink.beginWatching(LogFilter(level: .info), last: 0, for: holder).id
        }

        let watches = try (0..<4).map { _ in try begin("ann") }
        #expect(throws: LogWatchRefusal.holderHasEnough) { try begin("ann") }
        for _ in 0..<4 { _ = try begin("bob") }
        #expect(throws: LogWatchRefusal.full) { try begin("cid") }
        for _ in 0..<8 { _ = try begin(nil) }
        #expect(throws: LogWatchRefusal.full) { try begin(nil) }

        #expect(sink.readWatched(watches[0], for: "ann") != nil)
        #expect(sink.readWatched(watches[0], for: "bob") == nil)
        #expect(sink.readWatched(watches[0]) == nil)
        clock.advance(by: .seconds(86400))
        _ = try begin("ann")
        sink.shutdown()
    }

    @Test func outputsAndLevelChangeWhileItRuns() throws {
        var configuration = try configuration(.info)
        let sink = try LogSink(configuration)
        let logger = logger(sink)
        logger.error("old folder")
        configuration.folder = folder.path("other")
        configuration.level = .debug
        configuration.debugTemplate = LogFormatTemplate("new {message}")

        try sink.reconfigure(configuration)
        logger.debug("debug")
        logger.error("new folder")
        configuration.folder = "/dev/null/no"
        #expect(throws: LogError.self) { try sink.reconfigure(configuration) }
        logger.error("still there")
        sink.shutdown()

        #expect(folder.lines("log/error.log") == ["ERROR old folder"])
        #expect(folder.lines("other/error.log") == ["ERROR new folder", "ERROR still there"])
        #expect(folder.lines("other/debug.log") == ["new debug", "ERROR new folder", "ERROR still there"])
    }

    @Test func filesAreOpenedAgainByTheirNames() throws {
        let configuration = try configuration(.info)
        let sink = try LogSink(configuration)
        let logger = logger(sink)
        logger.error("one")
        #expect(sink.flush())
        rename(folder.path("log/error.log"), folder.path("log/moved"))

        try sink.reconfigure(configuration)
        logger.error("two")
        sink.shutdown()

        #expect(folder.lines("log/moved") == ["ERROR one"])
        #expect(folder.lines("log/error.log") == ["ERROR two"])
    }

    @Test func messagesAreCounted() throws {
        let sink = try LogSink(configuration(.info))
        let logger = logger(sink)
        logger.warning("one")
        logger.error("two")
        logger.critical("three")
        logger.info("four")
        logger.debug("five")

        #expect(sink.totals.errors == 2 && sink.totals.warnings == 1 && sink.totals.dropped == 0)
        sink.shutdown()
    }
}
