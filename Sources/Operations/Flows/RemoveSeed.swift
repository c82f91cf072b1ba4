// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `flow.remove_seed`: deletes the groups, messages and accounts that `flow.seed` made, and its bot.
///
/// What seeded accounts wrote elsewhere stays, under the name of a deleted user.
package struct RemoveSeed: AdminOperation {
    /// What `flow.remove_seed` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// Accounts deleted, without the bot.
        package var users: Int
        /// Groups deleted, with their messages.
        package var flows: Int

        /// Whether there is nothing that was seeded.
        package var isEmpty: Bool { users == 0 && flows == 0 }
    }

    package static let name = "flow.remove_seed"
    package static let summary = "Delete the groups, messages and accounts that seeding made."
    package static let access = OperationActor.Scope.write
    package static let isLong = true
    package static let isDestructive = true

    private static let pageSize = 500

    /// Whether it only counts what it would delete.
    package var isTrial: Bool

    package init(isTrial: Bool = false) {
        self.isTrial = isTrial
    }

    package var onlyLooks: Bool { isTrial }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let bot = try await context.reading { try await $0.user(loginKey: Login.key(of: SeedFlows.botLogin)) }
        guard let bot, bot.deleted == nil, bot.isBot else { return Report(users: 0, flows: 0) }
        let flows = try await flows(of: bot.id, on: context)
        var users: [UserID] = []
        try await context.eachUser(pageSize: Self.pageSize) { if SeedFlows.isSeeded($0) { users.append($0.id) } }
        let report = Report(users: users.count, flows: flows.count)
        if isTrial { return report }
        _ = try await ManyWrites(count: flows.count, phase: "flows") { (Write.DeleteFlow(flows[$0]), nil) }.run(
            on: context)
        let seeded = users
        _ = try await ManyWrites(count: users.count, phase: "users") { (Write.DeleteUser(seeded[$0]), nil) }.run(
            on: context)
        _ = try await context.write(Write.DeleteUser(bot.id))
        return report
    }

    private func flows(of bot: UserID, on context: OperationContext) async throws(OperationError) -> [FlowID] {
        var found: [FlowID] = []
        var last = FlowID(0)
        while true {
            try context.checkCancellation()
            let after = last
            let page = try await context.reading { try await $0.flows(after: after, limit: Self.pageSize) }
            found += page.filter { $0.owner == bot }.map(\.id)
            guard let end = page.last else { return found }
            last = end.id
        }
    }
}

extension SeedFlows {
    /// The shown name of the account with this index.
    static func username(_ index: Int) -> String { "Seeded user \(index + 1)" }

    /// Whether an account was made by `flow.seed`: by its login, `seed-NUMBER-NUMBER`, and its shown name.
    static func isSeeded(_ user: UserRecord) -> Bool {
        let parts = user.login.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "seed", UInt64(parts[1]) != nil, let number = Int(parts[2]), number > 0
        else { return false }
        return user.username == username(number - 1)
    }
}
