// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import JSON
import Testing

@testable import ManageCommands
@testable import Operations

@Suite(.timeLimit(.minutes(10))) struct TopTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    private static func measurement(
        uptime: Int64 = 1000, messages: UInt64 = 0, batches: UInt64 = 0, events: UInt64 = 0,
        latency: LatencyHistogram = LatencyHistogram(), connections: [String: Int] = [:], mode: ServiceMode = .normal
    ) -> MeasureServer.Report {
        MeasureServer.Report(
            mode: mode, uptime: uptime, connections: connections, listeners: 0, messages: messages, events: events,
            batches: batches, lastBatch: 0, waitingWrites: 0, deliveries: messages * 10, latency: latency.buckets,
            memory: 64 << 20, processor: uptime / 2)
    }

    @Test func ratesAreOfTheTimeBetween() throws {
        var latency = LatencyHistogram()
        latency.record(.seconds(5), weight: 1000)
        let earlier = Self.measurement(messages: 100, batches: 10, events: 200, latency: latency)
        latency.record(.milliseconds(1), weight: 100)
        let later = Self.measurement(uptime: 3000, messages: 200, batches: 20, events: 400, latency: latency)

        let rates = try #require(LoadReport(later, since: earlier, interval: .seconds(2), time: 0).rates)

        #expect(rates.messagesPerSecond == 50)
        #expect(rates.deliveriesPerSecond == 500)
        #expect(rates.batchesPerSecond == 5)
        #expect(rates.batchSize == 20)
        #expect(rates.processorPercent == 50)
        #expect(rates.highLatency ?? .zero < .milliseconds(2))
        #expect(rates.highLatency ?? .zero > .milliseconds(0.9))
    }

    @Test func serverThatStartedAgainBeginsAnew() {
        let earlier = Self.measurement(uptime: 5000, messages: 100, batches: 10, events: 200)
        let later = Self.measurement(uptime: 1000, messages: 1, batches: 1, events: 1)

        #expect(LoadReport(later, since: earlier, interval: .seconds(1), time: 0).rates == nil)
        #expect(LoadReport(later, since: nil, interval: .seconds(1), time: 0).rates == nil)
    }

    @Test func modeThatRestrictsTheServerIsShown() throws {
        let reports = ServiceMode.allCases.map { mode in
            LoadReport(Self.measurement(mode: mode), since: nil, interval: .seconds(1), time: 0)
        }

        let lines = reports.map { $0.lines(style: TextStyle(isColored: false))[0] }

        #expect(
            lines == [
                "Up            00:00:01", "Up            00:00:01    read-only",
                "Up            00:00:01    maintenance",
            ])
        let json = try JSONValue.parse(Array(reports[1].json().utf8))
        #expect(json["mode"]?.string == "read-only")
    }

    @Test func linesFitTheScreenWhateverTheNumbers() {
        let huge = Int.max / 8
        let connections = ["mtp": huge, "skaro": huge, "messenger": huge, "fastchat": huge]
        let report = LoadReport(
            Self.measurement(uptime: .max, messages: 1 << 59, connections: connections), since: Self.measurement(),
            interval: .seconds(1), time: 0)

        let lines = report.lines(style: TextStyle(isColored: false))

        #expect(lines.count < 16)
        for line in lines { #expect(line.count <= 80, "\(line)") }
    }

    @Test func onceMeasuresForOneInterval() async throws {
        try await RunningServer.during(run) { _ in
            let text = try await run("top", "--once", "--interval", "0.1")
            let json = try await run("top", "--once", "--interval", "0.1", "--json")

            #expect(text.status == .done)
            #expect(text.output.hasPrefix("Up "))
            #expect(text.output.contains("\nMemory "))
            let report = try JSONValue.parse(Array(json.output.utf8))
            #expect(report["connected"]?.int == 0)
            #expect(report["messages_per_second"]?.double == 0 || report["messages_per_second"]?.int == 0)
            #expect(report["memory_bytes"]?.int ?? 0 > 1 << 20)
            #expect(report["latency_p99_ms"]?.kind == .null)
            #expect(report["version"]?.int == 1)
        }
    }

    @Test func jsonIsOneObjectPerLineUntilItIsInterrupted() async throws {
        try await RunningServer.during(run) { _ in
            let status = try await LiveRun.during(["top", "--json", "--interval", "0.1"], in: run) { live in
                var pieces = live.output.makeAsyncIterator()
                for _ in 0..<3 {
                    let line = try #require(await pieces.next())
                    #expect(line.hasSuffix("}\n"))
                    #expect(line.count { $0 == "\n" } == 1)
                    #expect(try JSONValue.parse(Array(line.utf8))["uptime_ms"]?.int != nil)
                }
                live.interrupt()
            }

            #expect(status == .interrupted)
        }
    }

    @Test(arguments: [("q", CommandStatus.done), ("\u{03}", .interrupted)])
    func keysEndTheScreenAndRestoreTheTerminal(key: String, expected: CommandStatus) async throws {
        let terminal = try TestTerminal()
        try await RunningServer.during(run) { _ in
            let status = try await LiveRun.during(["top", "--interval", "0.1"], in: run, terminal: terminal) { _ in
                await terminal.shows("\u{1B}[?1049h")
                let first = await terminal.shows("Press Q to quit.")
                #expect(first.contains("Parley 9.8.7"))
                #expect(!terminal.isUsual)
                // The second picture is painted over the first one, without clearing the screen.
                let second = await terminal.shows("Press Q to quit.")
                #expect(second.contains("\u{1B}[H"))
                #expect(!second.contains("\u{1B}[2J"))
                terminal.type(key)
                await terminal.shows("\u{1B}[?1049l")
            }

            #expect(status == expected)
            #expect(terminal.isUsual)
        }
    }

    @Test func serverThatEndsIsWaitedFor() async throws {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let (starts, start) = AsyncStream.makeStream(of: Void.self)
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        let run = run
        async let serving: Void = {
            try await RunningServer.during(run) { _ in
                start.yield()
                _ = await ends.first { _ in true }
            }
            stop.yield()
        }()
        _ = await starts.first { _ in true }

        let status = try await LiveRun.during(["top", "--json", "--interval", "0.1"], in: run) { live in
            var pieces = live.output.makeAsyncIterator()
            #expect(await pieces.next()?.contains("uptime_ms") == true)
            end.yield()
            _ = await stops.first { _ in true }
            // What was measured before the end may still be on its way; the next server has committed something.
            try await RunningServer.during(run) { chat in
                _ = try await TailTests.speaker(chat, saying: ["hello"])
                while let piece = await pieces.next() {
                    if try JSONValue.parse(Array(piece.utf8))["messages"]?.int == 1 { break }
                }
                live.interrupt()
                while await pieces.next() != nil {}
            }
        }

        try await serving
        #expect(status == .interrupted)
    }

    @Test func withoutAServerThereIsNothingToShow() async throws {
        let result = try await run("top", "--once")

        #expect(result.status == .unavailable)
        #expect(result.errors.contains("manage runserver"))
    }

    @Test(arguments: ["0", "-1", "3601", "x"])
    func wrongIntervalsAreRefused(_ interval: String) async throws {
        #expect(try await run("top", "--interval=\(interval)").status == .usage)
    }
}
