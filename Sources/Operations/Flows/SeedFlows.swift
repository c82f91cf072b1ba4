// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `flow.seed`: fills the server with accounts, public groups and messages, to try it out or to load it.
package struct SeedFlows: AdminOperation {
    /// What `flow.seed` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// Accounts made.
        package var users: Int
        /// Groups made.
        package var flows: Int
        /// Messages made.
        package var messages: Int
        /// The login of the first new account, from which the others count on; `nil` without any.
        @Nullable package var firstLogin: String?
        /// The uuid of the first new group; `nil` without any.
        @Nullable package var firstFlow: String?
    }

    package static let name = "flow.seed"
    package static let summary =
        "Fill the server with accounts, public groups and messages, to try it out or to load it."
    package static let access = OperationActor.Scope.write
    package static let isLong = true

    /// The bot that owns what is seeded.
    package static let botLogin = "seed"
    /// The most of each kind.
    package static let maximumCount = 1_000_000_000

    /// New accounts.
    package var users: Int
    /// New public groups.
    package var flows: Int
    /// New messages, spread over the new groups and written by the new accounts in turn.
    package var messages: Int
    /// The new accounts' password; without it no client can log in as one of them.
    package var password: SecretText?

    /// By default one public group with a first message.
    package init(users: Int = 0, flows: Int = 1, messages: Int = 1, password: SecretText? = nil) {
        self.users = users
        self.flows = flows
        self.messages = messages
        self.password = password
    }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        for (name, count) in [("users", users), ("flows", flows), ("messages", messages)] {
            guard (0...Self.maximumCount).contains(count) else {
                throw OperationError(.invalid, "The number of \(name) is 0 to \(Self.maximumCount), not \(count).")
            }
        }
        guard messages == 0 || flows > 0 else {
            throw OperationError(.invalid, "Messages need a group to be in.", nextStep: "Ask for one flow or more.")
        }
        let bot = try await context.bot(login: Self.botLogin, username: "Seed", isHidden: false)
        var report = Report(users: users, flows: flows, messages: messages, firstLogin: nil, firstFlow: nil)
        var authors: [UserID] = []
        if users > 0 {
            // One hash for all: hashing is slow on purpose.
            let password = password ?? context.randomPassword()
            let hash = try await context.asking { try await $0.hash(password.password) }
            let prefix = "seed-\(context.chat.newIdentifier().description.suffix(6))"
            report.firstLogin = "\(prefix)-1"
            authors = try await ManyWrites(count: users, phase: "users") { index in
                let login = "\(prefix)-\(index + 1)"
                let user = NewUser(
                    uuid: context.chat.newIdentifier(), login: login, loginKey: Login.key(of: login),
                    username: Self.username(index), passwordHash: hash)
                return (Write.CreateUser(user), nil)
            }.run(on: context)
        }
        if authors.isEmpty { authors = [bot.id] }
        let groups = try await ManyWrites(count: flows, phase: "flows") { index in
            let group = NewFlow(
                uuid: context.chat.newIdentifier(), kind: .group,
                title: index == 0 ? "Welcome" : "Seeded group \(index + 1)",
                info: "A public group: every account here reads it and writes in it.", owner: bot.id,
                isPublic: true, members: [])
            return (Write.CreateFlow(group), nil)
        }.run(on: context)
        if let first = groups.first {
            report.firstFlow = try await context.reading { try await $0.flow(first) }?.uuid.description
        }
        let (senders, targets) = (authors, groups)
        _ = try await ManyWrites(count: messages, phase: "messages") { index in
            let text =
                index == 0
                ? "Welcome to Parley. This group is for everybody who has an account here."
                : "Seeded message \(index + 1). The quick brown fox jumps over the lazy dog."
            // Both texts need no escaping.
            let message = Write.SendMessage(
                flow: targets[index % targets.count], content: Array(#"{"text":"\#(text)"}"#.utf8))
            return (message, senders[index % senders.count])
        }.run(on: context)
        return report
    }
}
