// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `message.expire`: erases the messages that are older than their type of flow is kept, or counts them.
///
/// Without an age it takes those of the settings, as the running server does every hour.
package struct ExpireMessages: AdminOperation {
    /// What `message.expire` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// What of one type of flow was too old.
        package struct Expired: Codable, Sendable, Equatable {
            /// `chat`, `group` or `channel`.
            package var type: String
            /// How long messages are kept, in seconds.
            package var keptSeconds: Int64
            package var messages: Int64
            /// What they take, with their attachments.
            package var bytes: Int64
        }

        /// The types of flow that have an age.
        package var expired: [Expired]
        /// Whether it was only counted.
        package var isTrial: Bool
    }

    package static let name = "message.expire"
    package static let summary = "Erase the messages that are older than their type of flow is kept."
    package static let access = OperationActor.Scope.write
    package static let isLong = true
    package static let isDestructive = true

    /// A wrong unit must not erase everything.
    private static let shortestAge: Int64 = 3600

    /// How long messages are kept in chats of two, in seconds.
    package var chat: Int64?
    /// How long messages are kept in groups, in seconds.
    package var group: Int64?
    /// How long messages are kept in channels, in seconds.
    package var channel: Int64?
    /// Whether it only counts.
    package var isTrial: Bool

    package init(chat: Int64? = nil, group: Int64? = nil, channel: Int64? = nil, isTrial: Bool = false) {
        self.chat = chat
        self.group = group
        self.channel = channel
        self.isTrial = isTrial
    }

    package var onlyLooks: Bool { isTrial }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let ages = try ages(on: context)
        if !isTrial { try await context.recordNow() }
        var expiry = try await context.asking { [isTrial] chat in
            try await MessageExpiry(of: chat, keeping: ages, isTrial: isTrial)
        }
        var hasMore = true
        while hasMore {
            try context.checkCancellation()
            do throws(ChatError) { hasMore = try await expiry.step() } catch { throw OperationError(error) }
            let (done, total) = (Int(expiry.position.rawValue), Int(expiry.end.rawValue))
            await context.progress(OperationProgress(phase: "log", done: done, total: total))
        }
        return Report(
            expired: FlowRecord.Kind.allCases.compactMap { kind in
                guard let age = ages[kind] else { return nil }
                let found = expiry.found[kind] ?? MessageExpiry.Found()
                return Report.Expired(
                    type: kind.rawValue, keptSeconds: age.components.seconds, messages: found.messages,
                    bytes: found.bytes)
            }, isTrial: isTrial)
    }

    private func ages(on context: OperationContext) throws(OperationError) -> [FlowRecord.Kind: Duration] {
        var ages: [FlowRecord.Kind: Duration] = [:]
        for (kind, age) in [(FlowRecord.Kind.chat, chat), (.group, group), (.channel, channel)] {
            guard let age else { continue }
            guard (Self.shortestAge...Int64(Int32.max) * 2).contains(age) else {
                throw OperationError(.invalid, "The age for type \(kind.rawValue) is not from an hour to a century.")
            }
            ages[kind] = .seconds(age)
        }
        if ages.isEmpty { ages = context.chat.policy.retention }
        guard !ages.isEmpty else {
            throw OperationError(
                .invalid, "The settings keep messages for ever.", nextStep: "Give an age, such as --group 90d.")
        }
        return ages
    }
}
