// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Operations
import Settings

extension Manage {
    /// `tail`: follows the log of a server.
    struct Tail: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follow the log: who does what where, as it happens.",
            discussion: """
                Shows the last entries of the log and then each new one: time (UTC), who,
                where, the protocol by which it came, what happened, and its size in bytes.
                Ends with Ctrl-C (status 130), or when its output is closed. Without a
                running server it shows what is there and ends; for one that ends meanwhile
                it waits.

                Texts of messages are shown only with --text, which asks first. The server
                notes in its log who asked, and for which entries.

                Examples:
                  manage tail
                  manage tail --last 100 --once
                  manage tail --since 1h --once
                  manage tail --json | jq .kind
                  manage tail --text --yes
                """
        )

        /// How long one request waits for news: how soon a closed output is noticed.
        private static let wait = 2000

        @Option(
            name: [.customShort("n"), .customLong("last")],
            help: ArgumentHelp("Begin so many entries before the end.", valueName: "count"))
        var last = 10

        @Option(help: ArgumentHelp("Begin at this time instead: \(PointInTime.form).", valueName: "time"))
        var since: PointInTime?

        @Flag(name: .customLong("once"), help: "Show what is there and end.")
        var isOnce = false

        @Flag(name: .customLong("text"), help: "Show the texts of messages.")
        var showsText = false

        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var common: OperationOptions

        func validate() throws {
            guard 0...1_000_000 ~= last else { throw ValidationError("Please give --last a number, 0 to 1000000.") }
            if confirmation.isGiven, !showsText {
                throw ValidationError("Please give --yes only with --text: nothing else is asked.")
            }
        }

        func run() async throws {
            let runner = try common.runner()
            if showsText {
                try confirmation.require("Show what people wrote to each other? The server will note that you asked.")
            }
            do {
                try await Interruption.ending { try await follow(runner) }
            } catch is CancellationError {
                throw ExitCode(CommandStatus.interrupted.rawValue)
            }
        }

        private func follow(_ runner: OperationRunner) async throws {
            let target = CommandContext.current.standardOutput
            let reader = TailReader(
                showsText: showsText, isOnce: isOnce, isShared: runner.settings?.isDatabaseShared == true,
                wait: Self.wait,
                output: output)
            if !output.isJSON, target.isTerminal {
                try target.write(TailText(showsText: showsText, style: output.style).heading())
            }
            let seconds = since?.seconds(now: CommandContext.current.now())
            let first = ReadLog(last: last, since: seconds, showsText: showsText, principal: SystemUser.name())
            var end = try await runner.withCaller { try await reader.read(first, from: $0) }
            while case .lost(let request) = end {
                try output.note("The server has ended; waiting until it is back.")
                guard let next = try await ServerReturn.wait(runner, { try await reader.read(request, from: $0) })
                else {
                    return
                }
                end = next
            }
            if case .endOfLog = end, !isOnce {
                try output.note("No server is running, so this is the end of the log.")
            }
        }
    }
}

/// Reads the log from one server or store and writes it.
private struct TailReader: Sendable {
    /// Why the reading is over.
    enum End: Sendable {
        /// There is no more, and nothing is followed.
        case endOfLog
        /// What is written is not read any more.
        case unread
        /// The server has gone; the request goes on where it ended.
        case lost(ReadLog)
    }

    var showsText: Bool
    var isOnce: Bool
    var isShared: Bool
    var wait: Int
    var output: OutputOptions

    func read(_ first: ReadLog, from caller: OperationCaller) async throws -> End {
        let target = CommandContext.current.standardOutput
        let follows = !isOnce && (caller.isServer || isShared)
        var text = TailText(showsText: showsText, style: output.style)
        var request = first
        request.wait = 0
        while true {
            guard let report = try await page(request, from: caller, follows: follows) else { return .lost(request) }
            if !report.entries.isEmpty {
                let lines = try output.isJSON ? TailText.json(report.entries) : text.lines(report.entries)
                guard try write(lines, to: target) else { return .unread }
            }
            if !target.hasReader { return .unread }
            request.after = report.next
            request.wait = follows ? wait : 0
            if report.entries.isEmpty, !follows { return .endOfLog }
        }
    }

    /// The next entries; `nil` when the server that is followed has gone.
    private func page(
        _ request: ReadLog, from caller: OperationCaller, follows: Bool
    ) async throws -> ReadLog.Report? {
        do {
            return try await caller.run(request)
        } catch {
            guard follows, caller.isServer, caller.hasAnswered, ServerReturn.isLoss(error) else { throw error }
            return nil
        }
    }

    /// Whether it was read.
    private func write(_ lines: String, to target: TextOutput) throws -> Bool {
        do {
            try target.write(lines)
            return true
        } catch {
            guard !target.hasReader || error == .outputClosed else { throw error }
            return false
        }
    }
}

/// Entries of the log as lines of a terminal.
struct TailText {
    private static let widths = (who: 14, place: 18, protocolName: 9, kind: 16)

    var showsText: Bool
    var style: TextStyle

    /// The names of the columns.
    func heading() -> String {
        let names = line(
            time: "TIME (UTC)", who: "WHO", place: "WHERE", protocolName: "PROTOCOL", kind: "WHAT", size: "BYTES")
        return style.apply(.bold, to: names) + "\n"
    }

    /// One line for each entry, and one for its text.
    mutating func lines(_ entries: [LogEntry]) -> String {
        entries.map { entry in
            let time = String(entry.time.drop { $0 != "T" }.dropFirst().prefix { $0 != "Z" })
            var text = line(
                time: time, who: who(entry), place: place(entry), protocolName: entry.protocol ?? "-",
                kind: entry.detail.map { "\(entry.kind) \($0)" } ?? entry.kind, size: "\(entry.size)")
            if entry.kind != "message" { text = style.apply(.faint, to: text) }
            if let words = entry.text {
                text += "\n  " + style.apply(.cyan, to: words.escapedForTerminal(lineBreaks: false))
            }
            return text + "\n"
        }.joined()
    }

    /// One JSON object for each entry, each on a line of its own.
    static func json(_ entries: [LogEntry]) throws -> String {
        try entries.map { try Versioned(content: $0).line() }.joined()
    }

    private func who(_ entry: LogEntry) -> String {
        switch (entry.sender, entry.subject) {
        case (let sender?, let subject?) where sender != subject: "\(sender) > \(subject)"
        case (let sender?, _): sender
        case (nil, let subject?): subject
        case (nil, nil): "operator"
        }
    }

    private func place(_ entry: LogEntry) -> String {
        guard let flow = entry.flow else { return "-" }
        if let partners = flow.partners { return partners.joined(separator: ", ") }
        return flow.title.isEmpty ? flow.uuid : "#\(flow.title)"
    }

    private func line(
        time: String, who: String, place: String, protocolName: String, kind: String, size: String
    ) -> String {
        [
            time.fitted(to: 12), who.fitted(to: Self.widths.who), place.fitted(to: Self.widths.place),
            protocolName.fitted(to: Self.widths.protocolName), kind.fitted(to: Self.widths.kind),
            String(repeating: " ", count: max(0, 6 - size.count)) + size,
        ].joined(separator: " ")
    }
}

extension String {
    /// The text in just so many columns: escaped, filled with blanks or cut.
    func fitted(to width: Int) -> String {
        let text = escapedForTerminal(lineBreaks: false)
        if text.count <= width { return text + String(repeating: " ", count: width - text.count) }
        return text.prefix(max(0, width - 1)) + "…"
    }
}

/// Who runs the command, as the system says.
enum SystemUser {
    /// The user's name, with the one who called `sudo` if there is one.
    static func name() -> String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 4096)
        let number = getuid()
        var name = "\(number)"
        if getpwuid_r(number, &entry, &buffer, buffer.count, &found) == 0, found != nil, let text = entry.pw_name {
            name = String(cString: text)
        }
        if let caller = CommandContext.current.environment["SUDO_USER"], !caller.isEmpty, caller != name {
            name += " (\(caller))"
        }
        return name
    }
}
