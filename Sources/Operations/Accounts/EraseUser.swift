// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `user.erase`: deletes an account and everything that it wrote.
///
/// First the account is locked out, then its messages are deleted some at a time, as their author could, and the
/// account goes last: what an interruption leaves is done when the operation is run again with the same login.
package struct EraseUser: AdminOperation {
    /// What `user.erase` does, or would do.
    package struct Report: Codable, Sendable, Equatable {
        /// The account as it was.
        package var user: UserReport
        package var messages: Int
        /// What the messages take, with their attachments.
        package var bytes: Int64
        /// In how many flows the messages are.
        package var flows: Int
        package var sessions: Int
        package var contacts: Int
        /// Whether it was only counted.
        package var isTrial: Bool
    }

    package static let name = "user.erase"
    package static let summary = "Delete an account for good with everything that it wrote."
    package static let access = OperationActor.Scope.write
    package static let isLong = true
    package static let isDestructive = true

    /// How much of the log is looked at in one step.
    private static let window: Int64 = 5000
    /// How many deletions are under way at the same time.
    private static let maximumWrites = 50
    private static let maximumContacts = 100_000

    /// Whose account.
    package var login: String
    /// Whether it only counts.
    package var isTrial: Bool

    package init(login: String, isTrial: Bool = false) {
        self.login = login
        self.isTrial = isTrial
    }

    package var target: String? { login }
    package var onlyLooks: Bool { isTrial }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let user = try await context.user(login: login)
        var report = Report(
            user: UserReport(user), messages: 0, bytes: 0, flows: 0,
            sessions: try await context.reading { try await $0.sessions(of: user.id) }.count,
            contacts: try await context.reading { try await $0.contacts(of: user.id, limit: Self.maximumContacts) }
                .count,
            isTrial: isTrial)
        if !isTrial {
            try await context.recordNow()
            try await lockOut(user, on: context)
        }
        var flows: Set<FlowID> = []
        func count(_ messages: [StoredMessage]) {
            report.messages += messages.count
            report.bytes += messages.reduce(0) { $0 + $1.bytes }
            flows.formUnion(messages.map(\.flow))
        }
        let end = try await eachPage(of: user.id, after: .start, on: context) { count($0) }
        if !isTrial {
            _ = try await context.write(Write.DeleteUser(user.id))
            // What was on its way when the account was locked out.
            _ = try await eachPage(of: user.id, after: end, on: context) { count($0) }
            while try await context.reading({ try await $0.collectBlobs() }) > 0 {}
        }
        report.flows = flows.count
        return report
    }

    /// Ends the sessions, and refuses logins from then on.
    private func lockOut(_ user: UserRecord, on context: OperationContext) async throws(OperationError) {
        let password = context.randomPassword()
        let hash = try await context.asking { try await $0.hash(password.password) }
        _ = try await context.write(
            Write.SetPassword(user.id, hash: hash, keeping: nil, challengeSecret: nil), on: login)
    }

    /// Finds the account's messages up to the end of the log, and deletes them unless they are only counted.
    ///
    /// - Returns: Where the log ended.
    private func eachPage(
        of user: UserID, after start: Position, on context: OperationContext, _ body: ([StoredMessage]) -> Void
    ) async throws(OperationError) -> Position {
        let end = try await context.reading { try await $0.head() }
        var position = start
        while position < end {
            try context.checkCancellation()
            let (low, high) = (position, min(Position(position.rawValue + Self.window), end))
            let messages = try await context.reading { try await $0.sentMessages(by: user, after: low, upTo: high) }
            if !isTrial { try await delete(messages, on: context) }
            body(messages)
            position = high
            await context.progress(
                OperationProgress(phase: "log", done: Int(position.rawValue), total: Int(end.rawValue)))
        }
        return end
    }

    private func delete(_ messages: [StoredMessage], on context: OperationContext) async throws(OperationError) {
        var rest = messages[...]
        while !rest.isEmpty {
            try context.checkCancellation()
            let part = rest.prefix(Self.maximumWrites)
            rest = rest.dropFirst(part.count)
            let failure = await withTaskGroup(of: ChatError?.self, returning: ChatError?.self) { group in
                for message in part { group.addTask { await delete(message, in: context.chat) } }
                var failure: ChatError?
                for await outcome in group where outcome != nil { failure = outcome }
                return failure
            }
            if let failure { throw OperationError(failure) }
        }
    }

    /// - Returns: Why it is still there.
    private func delete(_ message: StoredMessage, in chat: Chat) async -> ChatError? {
        do throws(ChatError) {
            _ = try await chat.write(
                Write.DeleteMessage(flow: message.flow, message: message.position), by: nil)
            return nil
        } catch .noSuchFlow, .noSuchMessage, .notAllowed {
            // It was deleted since.
            return nil
        } catch {
            return error
        }
    }
}
