// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Chat
import Storage

/// `user.limits`: shows and changes the limits that an account has of its own, in place of those of the settings.
package struct LimitUser: AdminOperation {
    /// What can be limited for an account.
    package enum Limit: String, Codable, CodingKeyRepresentable, Sendable, CaseIterable {
        case write, read, login, profile, flows, bytes

        fileprivate var action: LimitedAction? {
            switch self {
            case .write: .write
            case .read: .read
            case .login: .login
            case .profile: .profileChange
            case .flows, .bytes: nil
            }
        }
    }

    /// What `user.limits` tells.
    package struct Report: Codable, Sendable {
        /// Whose limits.
        package var login: String
        /// Those of its own: a rate, a number or `off`; what is missing is as in the settings.
        package var limits: [Limit: String]
        /// What its messages take in the store, in bytes.
        package var storedBytes: Int64
    }

    package static let name = "user.limits"
    package static let summary = "Change the limits that an account has of its own."
    package static let access = OperationActor.Scope.write
    /// The word that takes a limit of an account's own away.
    package static let standard = "default"

    /// Whose account.
    package var login: String
    /// New limits: a rate, a number, `off` or `default`; those that are missing stay.
    package var changes: [Limit: String]
    /// Whether all limits of its own are taken away first.
    package var resets: Bool

    /// Without changes the operation only looks.
    package init(login: String, changes: [Limit: String] = [:], resets: Bool = false) {
        self.login = login
        self.changes = changes
        self.resets = resets
    }

    package var target: String? { login }

    package var onlyLooks: Bool { changes.isEmpty && !resets }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let user = try await context.user(login: login)
        var limits = try await context.asking { try await $0.ownLimits(of: user.id) }
        if !onlyLooks {
            if resets { limits = AccountLimits() }
            for (limit, text) in changes { try Self.set(limit, to: text, in: &limits) }
            let wanted = limits
            try await context.recording { note throws(OperationError) in
                try await context.asking { try await $0.setLimits(wanted, of: user.id, audit: note) }
            }
        }
        let stored = try await context.asking { try await $0.storedBytes(of: user.id) }
        return Report(login: user.login, limits: Self.texts(limits), storedBytes: stored)
    }

    private static func set(_ limit: Limit, to text: String, in limits: inout AccountLimits) throws(OperationError) {
        if let action = limit.action {
            if text == standard {
                limits.rates[action] = nil
                return
            }
            guard let own = AccountLimits.own(text, { Rate($0) }) else {
                throw OperationError(
                    .invalid, "'\(text)' is not a rate.",
                    nextStep: "Write one such as '600/m burst 100', off or default.")
            }
            limits.rates[action] = own
            return
        }
        let number = text == standard ? nil : AccountLimits.own(text) { Int($0).flatMap { $0 >= 0 ? $0 : nil } }
        guard number != nil || text == standard else {
            throw OperationError(.invalid, "'\(text)' is not a number.", nextStep: "Write a number, off or default.")
        }
        if limit == .flows { limits.flows = number } else { limits.bytes = number }
    }

    private static func texts(_ limits: AccountLimits) -> [Limit: String] {
        var texts: [Limit: String] = [:]
        for limit in Limit.allCases {
            if let action = limit.action { texts[limit] = limits.rates[action].map { AccountLimits.text($0) } }
        }
        texts[.flows] = limits.flows.map { AccountLimits.text($0) }
        texts[.bytes] = limits.bytes.map { AccountLimits.text($0) }
        return texts
    }
}

/// `user.show_limits`: shows the limits that an account has of its own.
package struct ShowLimits: AdminOperation {
    package static let name = "user.show_limits"
    package static let summary = "Show the limits that an account has of its own."
    package static let access = OperationActor.Scope.read

    /// Whose account.
    package var login: String

    package init(login: String) {
        self.login = login
    }

    package func run(on context: OperationContext) async throws(OperationError) -> LimitUser.Report {
        try await LimitUser(login: login).run(on: context)
    }
}
