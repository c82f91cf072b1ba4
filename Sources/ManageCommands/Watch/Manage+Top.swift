// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Settings
import Synchronization

extension Manage {
    /// `top`: shows how busy the server is.
    struct Top: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how busy the running server is, refreshed each second.",
            discussion: """
                Logged-in connections by protocol, messages and deliveries per second,
                the time from a commit until its messages are handed to all connections
                (half and 99 % of them), writes that wait for the database, memory and
                processor, and the mode of a server that is read-only or in maintenance.
                On a terminal it is refreshed in place until Q or Ctrl-C; with --json it
                writes an object per line, otherwise a block per interval. Ends with 69
                when no server is running; for one that ends meanwhile it waits.

                Examples:
                  manage top
                  manage top --once
                  manage top --json --interval 5 >> load.jsonl
                """
        )

        @Flag(name: .customLong("once"), help: "Measure for one interval, show it, and end.")
        var isOnce = false

        @Option(
            name: .customLong("interval"),
            help: ArgumentHelp("Time between two measurements.", valueName: "seconds"))
        var interval = 1.0

        @OptionGroup var common: OperationOptions

        func validate() throws {
            guard 0.1...3600 ~= interval else { throw ValidationError("Please give --interval 0.1 to 3600 seconds.") }
        }

        func run() async throws {
            let runner = try common.runner()
            let (interval, isOnce, output) = (Duration.seconds(interval), isOnce, output)
            let context = CommandContext.current
            let isPainted =
                context.standardOutput.isTerminal && context.terminal.isInteractive && !isOnce && !output.isJSON
            do {
                try await Interruption.ending {
                    // Whether it is over; otherwise the server has gone.
                    let measure: @Sendable (OperationCaller) async throws -> Bool = { caller in
                        do {
                            if isPainted {
                                try await TopScreen(caller: caller, interval: interval, style: output.style).run()
                            } else {
                                try await Self.write(caller, interval: interval, isOnce: isOnce, output: output)
                            }
                            return true
                        } catch  where !isOnce && caller.hasAnswered && ServerReturn.isLoss(error) {
                            return false
                        }
                    }
                    var isOver = try await runner.withServer(measure)
                    guard isOver != nil else { throw runner.noServer }
                    while isOver == false {
                        try output.note("The server has ended; waiting until it is back.")
                        isOver = try await ServerReturn.wait(runner, measure)
                    }
                }
            } catch is CancellationError {
                throw ExitCode(CommandStatus.interrupted.rawValue)
            }
        }

        private static func write(
            _ caller: OperationCaller, interval: Duration, isOnce: Bool, output: OutputOptions
        ) async throws {
            let context = CommandContext.current
            var earlier: MeasureServer.Report?
            var instant = context.instant()
            while true {
                let measured = try await caller.run(MeasureServer())
                let now = context.instant()
                if let earlier {
                    let report = LoadReport(
                        measured, since: earlier, interval: instant.duration(to: now), time: context.now())
                    do {
                        if output.isJSON {
                            try context.standardOutput.write(
                                try isOnce ? report.json() : Versioned(content: report).line())
                        } else {
                            try context.standardOutput.write(report.text(style: output.style) + (isOnce ? "" : "\n"))
                        }
                    } catch  where !context.standardOutput.hasReader {
                        return
                    }
                    if isOnce { return }
                }
                if !context.standardOutput.hasReader { return }
                earlier = measured
                instant = now
                try await Task.sleep(for: interval)
            }
        }
    }
}

private struct TopScreen {
    /// Whether the keys ended it, and if so whether by Ctrl-C.
    private final class End: Sendable {
        let isInterrupted = Mutex<Bool?>(nil)
    }

    private static let historyLength = 60
    private static let bars = Array(" ▁▂▃▄▅▆▇█")

    let caller: OperationCaller
    let interval: Duration
    let style: TextStyle

    /// Paints until Q, Ctrl-C or the end of the task, and puts the terminal back.
    func run() async throws {
        let context = CommandContext.current
        let screen = try TerminalScreen(
            input: context.terminal.input, output: context.standardOutput, isAlternate: true)
        defer { screen.restore() }
        // The stream only wakes the one who paints; wakes may be dropped, the end must not.
        let end = End()
        let (wakes, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [interval] in
                while !Task.isCancelled {
                    waker.yield()
                    try await Task.sleep(for: interval)
                }
            }
            group.addTask {
                for await bytes in screen.keys() {
                    let isCut = bytes.contains(0x03)
                    guard isCut || bytes.contains(where: { $0 | 0x20 == UInt8(ascii: "q") }) else { continue }
                    end.isInterrupted.withLock { $0 = isCut }
                    waker.yield()
                    return
                }
                // The terminal is gone.
                end.isInterrupted.withLock { $0 = false }
                waker.yield()
            }
            defer {
                group.cancelAll()
                waker.finish()
            }
            var earlier: MeasureServer.Report?
            var instant = context.instant()
            var history: [Double] = []
            for await () in wakes {
                if let isInterrupted = end.isInterrupted.withLock({ $0 }) {
                    if isInterrupted { throw CancellationError() }
                    return
                }
                let measured = try await caller.run(MeasureServer())
                let now = context.instant()
                let report = LoadReport(
                    measured, since: earlier, interval: instant.duration(to: now), time: context.now())
                if let rates = report.rates {
                    history.append(rates.messagesPerSecond)
                    if history.count > Self.historyLength { history.removeFirst() }
                }
                try screen.paint(lines(report, history: history, version: context.version, size: screen.size))
                earlier = measured
                instant = now
            }
            try Task.checkCancellation()
        }
    }

    private func lines(
        _ report: LoadReport, history: [Double], version: String, size: TerminalScreen.Size
    ) -> [String] {
        let title = style.apply(.cyan, to: "Parley \(version)".escapedForTerminal())
        let peak = history.max() ?? 0
        let bars = history.suffix(max(1, size.columns - 20)).map { value -> Character in
            guard peak > 0, value > 0 else { return Self.bars[0] }
            return Self.bars[max(1, Int((value / peak * 8).rounded()))]
        }
        let all =
            [title, ""] + report.lines(style: style) + [
                "", style.apply(.bold, to: "Messages/s".fitted(to: 13)) + " " + String(bars),
                style.apply(
                    .faint,
                    to: "".fitted(to: 13) + " peak \(peak.inTenths) over \(history.count.counted("sample"))"),
                "", style.apply(.faint, to: "Press Q to quit."),
            ]
        return all
    }
}
