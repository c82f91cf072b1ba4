// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import JSON
import MTP
import Settings
import TestClient

/// As whom a command of `testclient` asks: a login with its password, an open session, or by default the server's own
/// bot for health checks.
struct AccountOptions: ParsableArguments {
    /// The longest auth_id, in bytes.
    static let maximumAuthIDBytes = 1024

    @Option(
        name: .customLong("login"),
        help: "Log in with this login and a password. (default: the server's hidden bot 'testclient')")
    var login: String?

    @OptionGroup var password: PasswordOptions

    @Option(
        name: .customLong("uuid"),
        help: ArgumentHelp("Use an open session of the user with this uuid; needs its auth_id.", valueName: "uuid"))
    var uuid: String?

    @Flag(name: .customLong("auth-id-stdin"), help: "Read the session's auth_id from standard input.")
    var isAuthIDOnStandardInput = false

    @Option(
        name: .customLong("auth-id-file"),
        help: ArgumentHelp("Read the session's auth_id from a file that contains nothing else.", valueName: "path"),
        completion: .file())
    var authIDFile: String?

    @Option(
        name: .customLong("auth-id"),
        help: ArgumentHelp(
            "The session's auth_id. Other users of this machine can see it; prefer --auth-id-stdin.",
            valueName: "auth-id"))
    var authID: String?

    func validate() throws {
        if login != nil, uuid != nil { throw ValidationError("Please give --login or --uuid, not both.") }
        if login == nil, password.isGiven { throw ValidationError("Please say with --login whose password it is.") }
        if login?.isEmpty == true { throw ValidationError("Please give --login a login.") }
        let sources = [isAuthIDOnStandardInput, authIDFile != nil, authID != nil].count { $0 }
        if uuid == nil, sources > 0 { throw ValidationError("Please say with --uuid whose auth_id it is.") }
        if uuid != nil, sources != 1 {
            throw ValidationError("Please give one of --auth-id-stdin, --auth-id-file and --auth-id beside --uuid.")
        }
    }

    /// Whether the command line names an account.
    var isGiven: Bool { login != nil || uuid != nil }

    /// An account with what proves it, before anything was sent.
    enum Proof: Sendable {
        case bot
        case password(login: String, password: String)
        case session(MTPCredentials)
    }

    /// Reads the secrets; `isNew` says that the password is for an account that is about to be made.
    func proof(isNew: Bool = false, output: OutputOptions) throws -> Proof {
        if let login {
            return .password(
                login: login, password: try password.password(prompt: "Password for \(login)", isNew: isNew))
        }
        guard let uuid else { return .bot }
        return .session(MTPCredentials(uuid: uuid, authID: try readAuthID(output)))
    }

    private func readAuthID(_ output: OutputOptions) throws -> String {
        let context = CommandContext.current
        let text: String
        if let authID {
            try output.warn("The auth_id on the command line can be seen by other users of this machine.")
            text = authID
        } else if let authIDFile {
            let file = SettingsFile.chosen(option: authIDFile, environment: [:], currentFolder: context.currentFolder)
            guard let bytes = try file.read() else {
                throw CommandError(
                    .notFound, "The file '\(authIDFile)' does not exist.", nextStep: "Check the path.")
            }
            text = String(decoding: bytes.prefix(Self.maximumAuthIDBytes + 2), as: UTF8.self)
        } else {
            text = try context.terminal.readAll(maximumBytes: Self.maximumAuthIDBytes + 2)
        }
        let trimmed = text.trimmingPrefixAndSuffixBlanks()
        guard !trimmed.isEmpty, trimmed.utf8.count <= Self.maximumAuthIDBytes,
            trimmed.utf8.allSatisfy({ 0x21...0x7E ~= $0 })
        else {
            throw CommandError(
                .usage, "What was given is no auth_id.", nextStep: "Give one line with nothing but the auth_id.")
        }
        return trimmed
    }
}

/// The account that a command of `testclient` asks as, once the server knows it.
struct TestAccount: Sendable {
    var credentials: MTPCredentials
    /// Where messages go when no flow is named.
    var flow: String?
    /// The session of the server's own bot, which ends with the command.
    var botSession: Int64?
}

extension ServerConnection {
    /// Makes sure of an account: logs in with a password, or gets a login of one minute for the bot.
    ///
    /// - Throws: `CommandError` when the server refuses the login.
    func principal(
        _ proof: AccountOptions.Proof, settings: Settings, output: OutputOptions
    ) async throws -> TestAccount {
        switch proof {
        case .session(let credentials): return TestAccount(credentials: credentials)
        case .bot: return try await BotAccount.logIn(settings, output: output)
        case .password(let login, let password):
            let answer = try await answer(to: .authentication(login: login, password: password))
            guard let response = answer.response else { throw Self.noAnswer(address) }
            let user = response.data?.user?.first
            guard response.isSuccess, let uuid = user?.uuid?.description, let authID = user?.authID?.string else {
                throw CommandError(
                    answer.status == .done ? .failed : answer.status,
                    "The server refused the login of '\(login)': \(MTPClientRefusal(response).description)")
            }
            return TestAccount(credentials: MTPCredentials(uuid: uuid, authID: authID))
        }
    }

    /// Asks as an account, and logs out again unless the session was open before.
    func asking<Value>(
        _ proof: AccountOptions.Proof, _ settings: Settings, _ connection: ConnectionOptions, output: OutputOptions,
        _ body: (TestAccount) async throws -> Value
    ) async throws -> Value {
        let principal = try await principal(proof, settings: settings, output: output)
        if case .session = proof { return try await body(principal) }
        do {
            let value = try await body(principal)
            await leave(principal, settings, connection)
            return value
        } catch {
            await leave(principal, settings, connection)
            throw error
        }
    }

    /// Ends the session; of the health check's bot, and its messages, nothing stays.
    private func leave(_ principal: TestAccount, _ settings: Settings, _ connection: ConnectionOptions) async {
        if principal.botSession != nil {
            await BotAccount.end(principal, settings)
        } else {
            await connection.logOut(principal.credentials, settings)
        }
    }

    /// What came is no answer of the protocol.
    static func noAnswer(_ address: String) -> CommandError {
        CommandError(
            .failed, "What '\(address)' answered is not MTP.", nextStep: "Check the address; the protocol is at /ws.")
    }
}
