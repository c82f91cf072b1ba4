// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `testclient.token`: a login of one minute for the health check's hidden bot, which has a private flow of its own.
///
/// Bot and flow are made when they are not there; lists and counts leave them out. The token is a secret and for the
/// calling process only, which ends it with `EndTestClient`.
package struct IssueTestClientToken: AdminOperation {
    /// What `testclient.token` tells.
    package struct Report: Codable, Sendable {
        /// The bot.
        package var uuid: String
        /// The token of its login; it ends after a minute.
        package var token: SecretText
        /// The number of the login's session.
        package var session: Int64
        /// The flow that the bot alone is a member of.
        package var flow: String
    }

    package static let name = "testclient.token"
    package static let summary = "Log the bot of the health check in."
    package static let access = OperationActor.Scope.write

    /// The bot's login.
    package static let botLogin = "testclient"
    private static let lifetimeSeconds: Int64 = 60

    package init() {}

    package var target: String? { Self.botLogin }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let bot = try await context.bot(login: Self.botLogin, username: "Test client", isHidden: true)
        let flow = try await flow(of: bot, on: context)
        let logIn = try await context.recording { note throws(OperationError) in
            try await context.asking {
                try await $0.openSession(
                    for: bot, lifetimeSeconds: Self.lifetimeSeconds,
                    from: Origin(protocol: "mtp", address: "testclient"), audit: note)
            }
        }
        return Report(
            uuid: bot.uuid.description, token: SecretText(logIn.token), session: logIn.principal.session.rawValue,
            flow: flow.description)
    }

    /// The bot's flow has the uuid that follows the bot's own, so that it is found without a search.
    private func flow(of bot: UserRecord, on context: OperationContext) async throws(OperationError) -> Identifier {
        let uuid = bot.uuid.successor
        if try await exists(uuid, on: context) { return uuid }
        // What is left of one that was deleted is in the way of a new one.
        var isPurged = false
        while !isPurged {
            isPurged = try await context.reading { try await $0.purgeDeletedFlows() }
        }
        do {
            _ = try await context.write(
                Write.CreateFlow(
                    NewFlow(
                        uuid: uuid, kind: .group, title: "Test client", info: "Messages of the health check.",
                        owner: bot.id, isPublic: false, members: [bot.id])))
        } catch {
            // Another health check may have been faster.
            guard try await exists(uuid, on: context) else { throw error }
        }
        return uuid
    }

    private func exists(_ flow: Identifier, on context: OperationContext) async throws(OperationError) -> Bool {
        try await context.reading { try await $0.flow(uuid: flow) } != nil
    }
}

extension OperationContext {
    /// A bot of the server's own, made when it is missing; its password is told to no one.
    ///
    /// - Throws: `.refused` when the login is another account's.
    func bot(login: String, username: String, isHidden: Bool) async throws(OperationError) -> UserRecord {
        if let known = try await knownBot(login: login, isHidden: isHidden) { return known }
        do {
            let user = try await newUser(
                login: login, password: randomPassword(), username: username, isBot: true, isHidden: isHidden,
                isOurs: true)
            _ = try await write(Write.CreateUser(user))
        } catch  where error.kind == .exists {
            // Another process was faster.
        }
        guard let made = try await knownBot(login: login, isHidden: isHidden) else {
            throw OperationError(.failed, "The bot '\(login)' could not be made.", nextStep: "Try again.")
        }
        return made
    }

    private func knownBot(login: String, isHidden: Bool) async throws(OperationError) -> UserRecord? {
        let key = Login.key(of: login)
        let known = try await reading { try await $0.user(loginKey: key) }
        guard let known else { return nil }
        guard known.isBot, known.isHidden == isHidden else {
            throw OperationError(
                .refused, "The login '\(login)', which Parley needs for a bot of its own, belongs to an account.",
                nextStep: "Rename that one with 'manage user update \(login) --new-login NAME'.")
        }
        return known
    }
}
