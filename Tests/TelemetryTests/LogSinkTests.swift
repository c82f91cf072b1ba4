// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Logging
import TestSupport
import Testing

@testable import Telemetry

struct LogSinkTests: LogFixture {
    let folder: TemporaryFolder
    let clock = ManualClock()

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func levelsGoToTheirOutputs() throws {
        let sink = try LogSink(configuration(.trace))
        let logger = logger(sink)

        for level in Logger.Level.allCases { logger.log(level: level, "message") }
        #expect(sink.flush())

        let all = LogLevel.allCases.map { "\($0.name) message" }
        #expect(folder.lines("console").map(String.init) == all)
        #expect(folder.lines("log/debug.log").map(String.init) == all)
        #expect(folder.lines("log/error.log") == ["ERROR message", "CRITICAL message"])
        sink.shutdown()
    }

    @Test(arguments: [LogLevel.trace, .info]) func eachLevelHasItsTemplate(_ level: LogLevel) throws {
        var configuration = try configuration(level)
        configuration.debugTemplate = LogFormatTemplate("debug: {level}")
        configuration.infoTemplate = LogFormatTemplate("info: {level}")
        configuration.errorTemplate = LogFormatTemplate("error: {level}")
        let sink = try LogSink(configuration)
        let logger = logger(sink, level: level.loggerLevel)

        for level in Logger.Level.allCases { logger.log(level: level, "message") }
        sink.shutdown()

        let others = ["info: INFO", "info: SUCCESS", "error: WARNING", "error: ERROR", "error: CRITICAL"]
        let all = ["debug: TRACE", "debug: DEBUG"] + others
        #expect(folder.lines("console").map(String.init) == (level == .trace ? all : others))
        #expect(folder.lines("log/error.log") == ["error: ERROR", "error: CRITICAL"])
        if level == .trace { #expect(folder.lines("log/debug.log").map(String.init) == all) }
    }

    @Test func infoLevelHasNoDebugFile() throws {
        let sink = try LogSink(configuration(.info))
        let logger = logger(sink)

        logger.debug("hidden")
        logger.info("shown")
        logger.error("failed")
        sink.shutdown()

        #expect(folder.lines("console") == ["INFO shown", "ERROR failed"])
        #expect(folder.lines("log/error.log") == ["ERROR failed"])
        #expect(TemporaryFolder.text(folder.path("log/debug.log")).isEmpty)
        #expect(access(folder.path("log/debug.log"), F_OK) != 0)
    }

    @Test func coloursGoToTheConsoleOnly() throws {
        var configuration = try configuration()
        configuration.colours = true
        configuration.infoTemplate = LogFormatTemplate("<level>{level}</level> {message}")
        configuration.errorTemplate = configuration.infoTemplate
        let sink = try LogSink(configuration)

        logger(sink).error("failed")
        sink.shutdown()

        #expect(folder.text("console") == "\u{1B}[31m\u{1B}[1mERROR\u{1B}[0m failed\n")
        #expect(folder.text("log/error.log") == "ERROR failed\n")
    }

    @Test func metadataFollowsTheMessageAsText() throws {
        let sink = try LogSink(configuration())
        var logger = logger(sink)
        logger[metadataKey: "chat.connection.id"] = "7"

        logger.info(
            "message",
            metadata: [
                "b": "two words", "a": .stringConvertible(1), "c": ["x", "y z"], "d": ["k": "v"], "e": "",
                "f": "a=\"b\"\n INFO forged",
            ])
        sink.shutdown()

        #expect(
            folder.text("console") == #"""
                INFO message a=1 b="two words" c=[x "y z"] chat.connection.id=7 d={ k=v } e="" f="a=\"b\"\n INFO forged"

                """#)
    }

    @Test(arguments: LogConfiguration.Format.allCases) func secretsNeverReachAnOutput(
        _ format: LogConfiguration.Format
    ) throws {
        var configuration = try configuration(.trace)
        configuration.format = format
        let sink = try LogSink(configuration)
        var logger = logger(sink)
        logger[metadataKey: "user.token"] = "SECRET"

        logger.error(
            "message",
            metadata: [
                "password": "SECRET", "chat.Auth_ID": "SECRET", "secret": ["SECRET"],
                "key": .stringConvertible("SECRET"),
                "message.text": "SECRET", "user": ["hash_password": "SECRET", "login": "alice"],
                "list": [["accessToken": "SECRET"]], "keyboard": "shown",
            ])
        sink.shutdown()

        for name in ["console", "log/error.log", "log/debug.log"] {
            let text = folder.text(name)
            #expect(!text.contains("SECRET"))
            #expect(text.contains("[redacted]"))
            #expect(text.contains("alice") && text.contains("shown"))
        }
    }

    @Test func jsonLinesAreValidObjects() throws {
        struct Line: Decodable, Equatable {
            var time: String, level: String, logger: String, message: String, module: String, function: String
            var line: Int
            var metadata: [String: String]
        }
        var configuration = try configuration()
        configuration.format = .json
        let sink = try LogSink(configuration)
        let hostile = "quote \" backslash \\ newline \n escape \u{1B}[2J zero \0 ключ 🔑 \u{2028} \u{85}"

        logger(sink).notice("\(hostile)", metadata: ["k \"": .string(hostile)])
        sink.shutdown()

        let lines = folder.lines("console")
        #expect(lines.count == 1)
        #expect(!folder.text("console").dropLast().unicodeScalars.contains { $0.value < 0x20 })
        let decoded = try JSONDecoder().decode(Line.self, from: Data(try #require(lines.first).utf8))
        #expect(
            decoded
                == Line(
                    time: "2026-03-01T00:04:05.000000Z", level: "SUCCESS", logger: "parley.test", message: hostile,
                    module: "TelemetryTests.LogSinkTests", function: "jsonLinesAreValidObjects()",
                    line: decoded.line, metadata: ["k \"": hostile]))
        #expect(decoded.line > 100)
    }

    @Test func nestedMetadataIsNestedInJSON() throws {
        var configuration = try configuration()
        configuration.format = .json
        let sink = try LogSink(configuration)
        var deep: Logger.MetadataValue = "bottom"
        for _ in 0..<10_000 { deep = ["d": deep] }

        logger(sink).info("m", metadata: ["a": ["x", ["y": "z"]], "deep": deep])
        sink.shutdown()

        let object = try JSONSerialization.jsonObject(with: Data(folder.text("console").utf8)) as? [String: Any]
        let metadata = try #require(object?["metadata"] as? [String: Any])
        let list = try #require(metadata["a"] as? [Any])
        #expect(list.first as? String == "x")
        #expect((list.last as? [String: String]) == ["y": "z"])
        #expect(folder.text("console").contains("…"))
    }

    @Test func longMessagesAndValuesAreCut() throws {
        let sink = try LogSink(configuration())

        logger(sink).info(
            "\(String(repeating: "ключ", count: 100_000))", metadata: ["k": "\(String(repeating: "x", count: 100_000))"]
        )
        sink.shutdown()

        let text = folder.text("console")
        #expect(text.utf8.count < 21_000)
        #expect(text.contains("[800000 bytes]") && text.contains("[100000 bytes]"))
    }

    @Test func errorsOfEventsAreWritten() throws {
        struct Trouble: Error, CustomStringConvertible { var description: String { "no luck" } }
        let sink = try LogSink(configuration())

        ParleyLogHandler(label: "l", sink: sink).log(
            event: LogEvent(
                level: .error, message: "failed", error: Trouble(), metadata: nil, source: nil, file: #fileID,
                function: #function, line: #line))
        sink.shutdown()

        #expect(folder.text("log/error.log") == "ERROR failed error=\"no luck\"\n")
    }

    @Test func fullDiskIsToldOnceAndTheConsoleGoesOn() throws {
        mkdir(folder.path("log"), 0o700)
        try #require(symlink("/dev/full", folder.path("log/error.log")) == 0)
        let sink = try LogSink(configuration())
        let logger = logger(sink)

        for number in 0..<3 {
            logger.error("message \(number)")
            #expect(sink.flush())
        }
        sink.shutdown()

        let lines = folder.lines("console").map(String.init)
        #expect(lines.filter { $0.hasPrefix("ERROR message") }.count == 3)
        #expect(lines.filter { $0.contains("cannot be written: No space left on device") }.count == 1)
    }

    @Test func closedConsoleNeitherEndsTheProcessNorLosesTheFile() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        close(ends[0])
        var configuration = try configuration()
        configuration.consoleDescriptor = ends[1]
        let sink = try LogSink(configuration)

        logger(sink).error("message")
        sink.shutdown()

        #expect(folder.text("log/error.log") == "ERROR message\n")
    }

    @Test func verboseMessagesAreDroppedAndCountedWhenTheOutputStandsStill() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        // Nothing more goes into this pipe until the test reads.
        let flags = fcntl(ends[1], F_GETFL)
        _ = fcntl(ends[1], F_SETFL, flags | O_NONBLOCK)
        let filling = [UInt8](repeating: UInt8(ascii: "-"), count: 4096)
        while write(ends[1], filling, filling.count) > 0 {}
        _ = fcntl(ends[1], F_SETFL, flags)
        var configuration = try configuration(.debug)
        configuration.consoleDescriptor = ends[1]
        configuration.queueCapacity = 10
        let sink = try LogSink(configuration)
        let logger = logger(sink)

        for number in 0..<100 { logger.debug("verbose \(number)") }
        logger.error("important")
        let reader = Thread { [readEnd = ends[0], path = folder.path("piped")] in
            var chunk = [UInt8](repeating: 0, count: 65536)
            guard let file = fopen(path, "w") else { return }
            while case let count = read(readEnd, &chunk, chunk.count), count > 0 { fwrite(chunk, 1, count, file) }
            fclose(file)
            close(readEnd)
        }
        reader.start()
        #expect(sink.flush(timeout: .seconds(60)))
        sink.shutdown()

        let lines = folder.lines("log/debug.log").map(String.init)
        let written = lines.count { $0.hasPrefix("DEBUG verbose") }
        #expect(written < 100)
        #expect(lines.contains("ERROR important"))
        let dropped = lines.filter { $0.hasPrefix("WARNING Log messages were dropped") }
            .compactMap { $0.split(separator: "log.dropped.verbose=").last.flatMap { Int($0) } }
        #expect(written + dropped.reduce(0, +) == 100)
        #expect(sink.unreportedDrops == 0)
        close(ends[1])
    }

    @Test func criticalMessageIsWrittenBeforeTheCallReturns() throws {
        let sink = try LogSink(configuration())

        logger(sink).critical("going down")

        #expect(folder.lines("log/error.log") == ["CRITICAL going down"])
        sink.shutdown()
    }

    @Test func linesOfManyTasksStayWhole() async throws {
        var configuration = try configuration()
        configuration.queueCapacity = 100_000
        let sink = try LogSink(configuration)
        let logger = logger(sink)

        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask { for number in 0..<1000 { logger.info("task \(task) message \(number) end") } }
            }
        }
        #expect(sink.flush(timeout: .seconds(60)))
        sink.shutdown()

        let lines = folder.lines("console")
        #expect(Set(lines).count == 8000 && lines.count == 8000)
        for task in 0..<8 {
            #expect(
                lines.filter { $0.hasPrefix("INFO task \(task) ") }
                    == (0..<1000).map { "INFO task \(task) message \($0) end" })
        }
    }

    @Test func nothingBreaksAfterShutdown() throws {
        let sink = try LogSink(configuration())
        logger(sink).info("before")
        sink.shutdown()

        logger(sink).critical("after")
        sink.reopen()
        sink.shutdown()

        #expect(sink.flush())
        #expect(folder.lines("console") == ["INFO before"])
    }

    @Test func handlersAreValues() throws {
        let sink = try LogSink(configuration())
        var first = logger(sink)
        first[metadataKey: "only"] = "first"
        var second = first
        second.logLevel = .error
        second[metadataKey: "only"] = "second"

        #expect(first.logLevel == .info && second.logLevel == .error)
        #expect(first[metadataKey: "only"] == "first" && second[metadataKey: "only"] == "second")
        sink.shutdown()
    }

    @Test func whatIsQueuedAtExitIsWritten() async throws {
        await #expect(processExitsWith: .exitCode(0)) { [path = folder.path("log") as String] in
            var configuration = LogConfiguration()
            configuration.folder = path
            configuration.console = false
            configuration.errorTemplate = LogFormatTemplate("{name} {message}")
            try Telemetry.bootstrap(configuration)
            let logger = Logger(label: "parley.exit")
            for number in 0..<100 { logger.error("message \(number)") }
            exit(0)
        }

        #expect(folder.lines("log/error.log") == (0..<100).map { "parley.exit message \($0)" })
    }
}
