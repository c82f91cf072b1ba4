// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Settings
import TestClient

extension Manage.TestClient {
    /// `testclient chat`: talks to people from the terminal.
    struct Chat: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Talk to people from the terminal.",
            discussion: """
                A line that is typed goes to the conversation named in front of it; what
                others say appears above. /help lists the commands. Ctrl-D or /quit ends
                with 0, Ctrl-C with 130. When the server ends, it waits until it is back.

                With FastChat the login is a number, and --keys NAME names the key files
                NAME_public.pem and NAME_private.pem, which --register writes when they are
                not there. Without --keys what others encrypted for you cannot be read.

                Examples:
                  manage testclient chat --login alice
                  manage testclient chat --protocol skaro --login bob --to alice
                  manage testclient chat --protocol fastchat --login 7 --keys seven \\
                    --register
                  manage testclient chat --protocol messenger --login eve \\
                    --password-file pw -a tcp://chat.example.org:54321
                """
        )

        @Option(name: .customLong("login"), help: "Log in with this login and a password.")
        var login: String

        @Option(
            name: .customLong("to"), help: ArgumentHelp("Begin a conversation with this person.", valueName: "name"))
        var partner: String?

        @OptionGroup(title: "Protocol Options") var speech: ProtocolOptions
        @OptionGroup(title: "Account Options") var password: PasswordOptions
        @OptionGroup(title: "Connection Options") var connection: ConnectionOptions
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if login.isEmpty { throw ValidationError("Please give --login a login.") }
            if output.isJSON { throw ValidationError("Please leave --json out: a conversation is for people.") }
        }

        func run() async throws {
            let loaded = await connection.following(try loadSettings())
            let context = CommandContext.current
            let (connector, wireProtocol) = (speech.connector(loaded, connection), speech.wireProtocol)
            try connector.check(wireProtocol)
            let secret = try password.password(prompt: "Password for \(login)", isNew: speech.isNew)
            let keyboard = try Self.keyboard(context)
            defer { if keyboard != context.terminal.input { close(keyboard) } }
            let client = try await connector.connect(wireProtocol, login: login, password: secret, isNew: speech.isNew)
            do {
                try await talk(client, connector, keyboard: keyboard) { [login] in
                    try await connector.connect(wireProtocol, login: login, password: secret, isNew: false)
                }
            } catch is CancellationError {
                throw ExitCode(CommandStatus.interrupted.rawValue)
            }
        }

        /// Standard input, or when a password came from there the terminal of the process.
        private static func keyboard(_ context: CommandContext) throws(CommandError) -> Int32 {
            guard context.standardOutput.isTerminal else {
                throw CommandError(
                    .usage, "A conversation needs a terminal.",
                    nextStep: "Run it in one, or send single messages with 'manage testclient send'.")
            }
            if isatty(context.terminal.input) == 1 { return context.terminal.input }
            let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
            guard terminal >= 0 else {
                throw CommandError(.usage, "There is no terminal to type on.", nextStep: "Run the command in one.")
            }
            return terminal
        }

        private func talk(
            _ client: any ConversationClient, _ connector: ProtocolConnector, keyboard: Int32,
            reconnecting connect: @escaping @Sendable () async throws -> any ConversationClient
        ) async throws {
            let style = output.style
            let terminal = try ConversationTerminal(
                input: keyboard, output: CommandContext.current.standardOutput, style: style)
            defer { terminal.restore() }
            let room = ConversationRoom(
                client: client, text: ConversationText(style: style, clock: LocalClock.hoursAndMinutes),
                address: connector.address(client.wireProtocol), timeout: connection.timeout,
                find: { try await connector.find($0, by: $1) },
                showLines: { terminal.show($0) },
                setPrompt: { terminal.setPrompt($0) })
            do {
                try await talk(in: room, at: terminal, reconnecting: connect)
                await connector.close(room.client)
            } catch {
                await connector.close(room.client)
                throw error
            }
        }

        private func talk(
            in room: ConversationRoom, at terminal: ConversationTerminal,
            reconnecting connect: @escaping @Sendable () async throws -> any ConversationClient
        ) async throws {
            room.greet()
            if let partner, await !room.obey("/to \(partner)") { return }
            let (lines, source) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(100))
            try await Interruption.ending {
                try await withThrowingTaskGroup(of: End.self) { group in
                    group.addTask {
                        for await bytes in terminal.keys() {
                            for action in terminal.type(bytes) {
                                switch action {
                                case .submit(let line): source.yield(line)
                                // The lines must not end before: that would be an end like any other.
                                case .interrupt: throw CancellationError()
                                case .end:
                                    source.finish()
                                    return .noMoreLines
                                case .clearScreen: break
                                }
                            }
                        }
                        // The terminal is gone.
                        return .quit
                    }
                    group.addTask {
                        while true {
                            await room.listen()
                            try Task.checkCancellation()
                            try await room.reconnect(pause: Self.reconnectionPause, connect)
                        }
                    }
                    group.addTask {
                        for await line in lines where await !room.obey(line) { return .quit }
                        return .quit
                    }
                    defer { group.cancelAll() }
                    let first = try await group.next()
                    // What was typed before Ctrl-D is still said.
                    if first == .noMoreLines { _ = try await group.next() }
                }
            }
        }

        /// How long to wait before the next attempt to reach a server that has ended.
        private static let reconnectionPause = Duration.seconds(1)

        /// Why a conversation is over.
        private enum End: Sendable {
            case quit, noMoreLines
        }
    }
}

/// The time of day where the person is.
enum LocalClock {
    /// Such as `09:05`, of Unix seconds.
    @Sendable static func hoursAndMinutes(_ seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        guard localtime_r(&time, &parts) != nil else { return "" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(parts.tm_hour)):\(two(parts.tm_min))"
    }
}
