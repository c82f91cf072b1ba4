// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `secrets.check`: whether the key file opens what is sealed in the database.
package struct CheckSecrets: AdminOperation {
    /// What `secrets.check` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// Accounts with a sealed secret.
        package var sealed: Int
        /// Those of them whose secret the key file does not open.
        package var unopened: Int
        /// Key pairs that the server holds, for accounts and for all servers of the database.
        package var heldKeys: Int
        /// Those of them whose private half the key file does not open.
        package var unopenedKeys: Int
        /// Administrators with a second factor.
        package var factors: Int
        /// Those of them whose second factor the key file does not open.
        package var unopenedFactors: Int

        package init(
            sealed: Int = 0, unopened: Int = 0, heldKeys: Int = 0, unopenedKeys: Int = 0, factors: Int = 0,
            unopenedFactors: Int = 0
        ) {
            self.sealed = sealed
            self.unopened = unopened
            self.heldKeys = heldKeys
            self.unopenedKeys = unopenedKeys
            self.factors = factors
            self.unopenedFactors = unopenedFactors
        }

        /// Whether the database holds anything that is sealed.
        package var holdsSecrets: Bool { sealed + heldKeys + factors > 0 }
    }

    package static let name = "secrets.check"
    package static let summary = "Check whether the key file opens what is sealed in the database."
    package static let access = OperationActor.Scope.read
    package static let isLong = true
    package static let isWatching = true
    /// A check makes no key file.
    package static let needsCurrentSchema = false
    /// How many accounts or keys are in memory at a time.
    private static let pageSize = 200

    package init() {}

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        var report = Report()
        try await context.eachUser(pageSize: Self.pageSize) { user in
            guard user.challengeSecret != nil else { return }
            report.sealed += 1
            if !context.chat.opensChallengeSecret(of: user) { report.unopened += 1 }
        }
        if let pair = try await context.reading({ try await $0.serverKey(SignAssignment.keyName) }) {
            report.heldKeys += 1
            if !context.chat.opens(pair, ofServer: SignAssignment.keyName) { report.unopenedKeys += 1 }
        }
        try await countKeys(into: &report, on: context)
        try await countFactors(into: &report, on: context)
        return report
    }

    /// Counts the keys that the server holds for accounts.
    private func countKeys(into report: inout Report, on context: OperationContext) async throws(OperationError) {
        var last: BridgeKeyRecord?
        while true {
            let (user, kind) = (last?.user ?? UserID(0), last?.kind ?? "")
            let page = try await context.reading {
                try await $0.bridgeKeys(after: user, kind: kind, limit: Self.pageSize)
            }
            report.heldKeys += page.count
            report.unopenedKeys += page.count { !context.chat.opens($0) }
            guard page.count == Self.pageSize else { return }
            try context.checkCancellation()
            last = page.last
        }
    }

    /// Counts the second factors of administrators.
    private func countFactors(into report: inout Report, on context: OperationContext) async throws(OperationError) {
        var last = ""
        while true {
            let name = last
            let page = try await context.reading { try await $0.admins(after: name, limit: Self.pageSize) }
            for administrator in page where administrator.totpSecret != nil {
                report.factors += 1
                if !context.chat.opensSecondFactor(of: administrator) { report.unopenedFactors += 1 }
            }
            guard let end = page.last, page.count == Self.pageSize else { return }
            try context.checkCancellation()
            last = end.username
        }
    }
}

extension OperationContext {
    /// Calls `body` with every account that is neither deleted nor hidden, by row, `pageSize` of them in memory at a
    /// time.
    func eachUser(pageSize: Int, _ body: (UserRecord) -> Void) async throws(OperationError) {
        var last = UserID(0)
        while true {
            let after = last
            let page = try await reading { try await $0.users(after: after, limit: pageSize) }
            for user in page { body(user) }
            guard let end = page.last, page.count == pageSize else { return }
            try checkCancellation()
            last = end.id
        }
    }
}
