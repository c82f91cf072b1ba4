// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bounds
import JSON
import MTP
import Settings
import TestClient

extension Manage.TestClient {
    /// `testclient send`: sends one request and prints the answer.
    struct Send: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send one request and print the answer.",
            discussion: """
                Without options it is the health check: the hidden bot 'testclient' logs
                in for a minute and sends a message into a flow of its own. The answer is
                the server's own JSON, set for people on a terminal. Ends with 0 for an
                answer of 200 to 299, 4 for 401 and 403, 6 for 404, 7 for 409, 69 when
                the server cannot be reached, otherwise with 1.

                With --to, over any protocol, it sends a message to a person, or with
                '#' to a group.

                Examples:
                  manage testclient send
                  manage testclient send -t all_flow --login alice --password-stdin < pw
                  manage testclient send --login bob --flow Team --text Hello \\
                    --file picture=holiday.jpg
                  manage testclient send -t add_flow --login bob \\
                    --set data.flow.0.title=News
                  manage testclient send --protocol skaro --login bob --to alice --text Hi
                  manage testclient send -a wss://chat.example.org/ws --raw - < request.json
                """
        )

        /// The longest text for `--raw -`, in bytes: more than the server takes by default.
        private static let maximumRawBytes = 17 << 20

        @Option(
            name: .customLong("to"),
            help: ArgumentHelp("Send --text or --file picture=PATH to this login, number or #GROUP.", valueName: "name")
        )
        var person: String?

        @OptionGroup(title: "Protocol Options") var speech: ProtocolOptions
        @OptionGroup(title: "Request Options") var request: RequestOptions
        @OptionGroup(title: "Account Options") var account: AccountOptions
        @OptionGroup(title: "Connection Options") var connection: ConnectionOptions
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if person != nil || speech.wireProtocol != .mtp || speech.isNew { return try validatePerson() }
            if request.raw != nil, account.isGiven {
                throw ValidationError("Please give --raw alone: it is the whole request, with who asks.")
            }
            if !request.method.needsAuthorization, account.login == nil {
                throw ValidationError("Please name the account with --login for the method \(request.method.rawValue).")
            }
            if request.method == .deleteUser, account.login == nil {
                throw ValidationError("Please name the account with --login; only its password may delete it.")
            }
        }

        /// A message to a person has no other parts of a request.
        private func validatePerson() throws {
            guard let person, !person.isEmpty else {
                throw ValidationError("Please say with --to for whom the message is.")
            }
            guard account.login != nil else { throw ValidationError("Please name the account with --login.") }
            guard request.raw == nil, request.flow == nil, request.assignments.isEmpty, request.method == .sendMessage
            else { throw ValidationError("Please give --to without --type, --flow, --set and --raw.") }
            let hasPicture = request.files.contains { $0.kind == .picture }
            guard request.files.isEmpty || hasPicture && request.files.count == 1 && request.text == nil else {
                throw ValidationError("Please give --text, or one --file picture=PATH, beside --to.")
            }
        }

        func run() async throws {
            let loaded = await connection.following(try loadSettings())
            if let person { return try await say(to: person, loaded) }
            let answer = try await request.raw == nil ? composed(loaded) : raw(loaded)
            do {
                try show(answer)
            } catch let error as CommandError where error == .outputClosed {
                // The answer is not read; the status says all the same how it went.
            }
            if answer.status != .done { throw ExitCode(answer.status.rawValue) }
        }

        private func say(to person: String, _ settings: Settings) async throws {
            let connector = speech.connector(settings, connection)
            let picture = try request.files.first?.bytes()
            let text = request.text ?? "Health check"
            let instant = CommandContext.current.instant
            let (name, duration) = try await speech.connected(
                connector, login: account.login ?? "", password: account.password
            ) { client in
                let conversation = try await connector.find(person, by: client)
                let start = instant()
                if let picture {
                    try await client.show(picture, to: conversation)
                } else {
                    try await client.say(text, to: conversation)
                }
                // Not every protocol answers a message: the answer to a later request shows that it was taken.
                try await client.ping()
                return (conversation.address, start.duration(to: instant()))
            }
            try output.write(
                SayReport(
                    wireProtocol: speech.wireProtocol, address: connector.address(speech.wireProtocol), to: name,
                    duration: duration))
        }

        private func composed(_ settings: Settings) async throws -> ServerConnection.Answer {
            let isMade = request.method == .registerUser
            try connection.requireAccount(account, settings)
            let proof = try account.proof(isNew: isMade, output: output)
            let contents = try request.files.map { ($0.kind, try $0.content()) }
            return try await connection.connect(settings) { server in
                guard request.method.needsAuthorization else {
                    return try await server.answer(to: request.frame(as: nil, proof: proof, contents: contents))
                }
                return try await server.asking(proof, settings, connection, output: output) { principal in
                    var request = request
                    if let name = request.flow {
                        request.flow = try await server.uuid(ofFlow: name, as: principal, settings, connection)
                    }
                    return try await server.answer(to: request.frame(as: principal, proof: proof, contents: contents))
                }
            }
        }

        private func raw(_ settings: Settings) async throws -> ServerConnection.Answer {
            var text = request.raw ?? ""
            if text == "-" {
                text = try CommandContext.current.terminal.readAll(maximumBytes: Self.maximumRawBytes)
            } else if let value = try? JSONValue.parse(Array(text.utf8)), MemberAssignment.mentionsSecret(value) {
                try output.warn(
                    "The secrets on the command line can be seen by other users of this machine; prefer '--raw -'.")
            }
            let frame = Array(text.utf8)
            return try await connection.connect(settings) { try await $0.answer(to: frame) }
        }

        private func show(_ answer: ServerConnection.Answer) throws {
            let context = CommandContext.current
            if let json = answer.json, context.standardOutput.isTerminal, !output.isJSON {
                try context.standardOutput.write(JSONDisplay(style: output.style).text(of: json))
            } else {
                let text = String(decoding: answer.bytes, as: UTF8.self)
                try context.standardOutput.write(
                    (context.standardOutput.isTerminal ? text.escapedForTerminal() : text) + "\n")
            }
            guard let response = answer.response else { throw ServerConnection.noAnswer(connection.address ?? "") }
            try output.note("\(response.code) \(response.status) after \(answer.duration.inMilliseconds) ms.")
        }
    }
}

extension ConnectionOptions {
    /// The bot's login is for the server of the settings alone: another one must not get it.
    func requireAccount(_ account: AccountOptions, _ settings: Settings) throws(CommandError) {
        guard !account.isGiven, !isLocal(settings) else { return }
        throw CommandError(
            .usage, "An account is needed: '\(address ?? "")' is not the server of these settings.",
            nextStep: "Add --login LOGIN, or --uuid UUID with --auth-id-stdin.")
    }
}
