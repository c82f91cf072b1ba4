// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Settings
import Telemetry

extension Manage.Log {
    /// `log tail`: shows the messages of the running server.
    struct Tail: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the last messages of the running server's log, and new ones as they come.",
            discussion: """
                With --follow it goes on until Ctrl-C (status 130) or until its output is
                closed; a lower --level shows what the server's own log leaves out, without
                changing that. When messages come faster than they are read, some are
                dropped, and a line says how many. With --json it writes an object per line.

                Each request of a client makes a message of level debug when it is answered:
                what was asked, by which account and connection, from where, how long it took
                and what came of it; nothing of what it said. --user and --connection show
                those of one account or connection, and begin at level debug.

                Examples:
                  manage log tail --level warning
                  manage log tail --follow --level debug --module ParleyServer
                  manage log tail --follow --user alice
                  manage log tail --follow --level debug --module Transport.RequestLog
                  manage log tail --follow --json | jq .message
                """
        )

        @Flag(name: [.customShort("f"), .customLong("follow")], help: "Go on with new messages as they come.")
        var follows = false

        @Option(
            name: .customLong("level"),
            help: ArgumentHelp(
                "The least important messages: trace, debug, info, success, warning, error or critical. "
                    + "Default: info; debug with --user or --connection.",
                valueName: "level"))
        var level: String?

        @Option(
            name: .customLong("module"),
            help: ArgumentHelp(
                "Only messages of this module, such as Transport or Transport.Listener.", valueName: "name"))
        var module: String?

        @Option(
            name: .customLong("user"),
            help: ArgumentHelp("Only requests of this account.", valueName: "login"))
        var user: String?

        @Option(
            name: .customLong("connection"),
            help: ArgumentHelp(
                "Only messages about this connection, by its number: chat.connection.id.", valueName: "number"))
        var connection: UInt64?

        @Option(
            name: [.customShort("n"), .customLong("last")],
            help: ArgumentHelp("Begin with so many of the last messages, 0 to 500.", valueName: "count"))
        var last = 20

        @OptionGroup var common: OperationOptions

        func validate() throws {
            guard level.map({ LogLevel($0) != nil }) ?? true else {
                throw ValidationError("Please give --level trace, debug, info, success, warning, error or critical.")
            }
            guard 0...500 ~= last else { throw ValidationError("Please give --last a number, 0 to 500.") }
        }

        func run() async throws {
            let runner = try common.runner()
            let reader = ServerLogReader(
                request: ReadServerLog(
                    level: level ?? (user == nil && connection == nil ? "info" : "debug"), module: module, user: user,
                    connection: connection, last: last),
                follows: follows, output: output)
            do {
                try await Interruption.ending {
                    guard var isOver = try await runner.withServer({ try await reader.read(from: $0) }) else {
                        throw runner.noServer
                    }
                    while !isOver {
                        try reader.output.note("The server has ended; waiting until it is back.")
                        isOver = try await ServerReturn.wait(runner) { try await reader.read(from: $0) } ?? true
                    }
                }
            } catch is CancellationError {
                throw ExitCode(CommandStatus.interrupted.rawValue)
            }
        }
    }
}

/// Reads the log of one server and writes it.
private struct ServerLogReader: Sendable {
    /// How long one request waits for messages: how soon a closed output is noticed.
    private static let wait = 2000

    /// What JSON says of messages that are missing.
    private struct Dropped: Encodable {
        var dropped: Int
    }

    var request: ReadServerLog
    var follows: Bool
    var output: OutputOptions

    /// Whether it is over; otherwise the server has gone.
    func read(from caller: OperationCaller) async throws -> Bool {
        let target = CommandContext.current.standardOutput
        var request = request
        do {
            while true {
                let report = try await caller.run(request)
                guard try write(report, to: target), follows, target.hasReader else { return true }
                if request.watch == nil, report.records.isEmpty {
                    try output.note("No message yet; waiting for new ones. Ctrl-C ends.")
                }
                request.watch = report.watch
                request.wait = Self.wait
            }
        } catch  where follows && caller.hasAnswered && ServerReturn.isLoss(error) {
            return false
        }
    }

    /// Whether it was read.
    private func write(_ report: ReadServerLog.Report, to target: TextOutput) throws -> Bool {
        do {
            var text = ""
            for record in report.records {
                text += try output.isJSON ? Versioned(content: record).line() : line(record)
            }
            if report.dropped > 0, output.isJSON {
                text += try Versioned(content: Dropped(dropped: report.dropped)).line()
            }
            if !text.isEmpty { try target.write(text) }
            if report.dropped > 0, !output.isJSON {
                try output.warn("\(report.dropped) messages came faster than they were read, and were dropped.")
            }
            return true
        } catch let error as CommandError where error == .outputClosed || !target.hasReader {
            return false
        }
    }

    private func line(_ record: ReadServerLog.Record) -> String {
        var text = "\(output.style.apply(.faint, to: record.time)) \(record.level.fitted(to: 8)) "
        text += output.style.apply(.bold, to: record.module.escapedForTerminal(lineBreaks: false))
        text += " " + record.message.escapedForTerminal(lineBreaks: false)
        for (key, value) in record.metadata.sorted(by: { $0.key < $1.key }) {
            text += " \(key)=\(value)".escapedForTerminal(lineBreaks: false)
        }
        return text + "\n"
    }
}
