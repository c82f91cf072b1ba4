// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations
import Testing

@testable import ManageCommands

/// The places that operations run in, as a reader sees them.
struct OperationScene: Sendable {
    let runner: OperationRunner
    /// How often the server has read its settings again.
    let reloads: @Sendable () -> Int

    func flow(_ title: String) async throws -> FlowReport { try await runner.run(ShowFlow(uuid: title)).flow }

    func has(flow title: String) async throws -> Bool { try await finds(ShowFlow(uuid: title)) }

    func has(user login: String) async throws -> Bool { try await finds(ShowUser(login: login)) }

    private func finds(_ operation: some AdminOperation) async throws -> Bool {
        do {
            _ = try await runner.run(operation)
            return true
        } catch let error as OperationError where error.kind == .notFound {
            return false
        }
    }

    func message() async throws -> MessageReport {
        try #require(try await runner.run(ListMessages(uuid: "Welcome")).items.first)
    }

    func members() async throws -> [String] { try await runner.run(ShowFlow(uuid: "Lunch")).members }

    func administrator(_ name: String) async throws -> SuperuserReport? {
        try await runner.run(ListSuperusers()).superusers.first { $0.username == name }
    }

    func invites() async throws -> [InviteReport] {
        try await runner.run(ListInvites(includesInvalid: true)).invites
    }

    func token() async throws -> TokenReport? {
        try await runner.run(ListTokens()).tokens.first { $0.name == "robot" }
    }

    /// What a setting will be when the server starts again; `nil` when it stays as it is.
    func comingValue(of key: String) async throws -> String? {
        try await runner.run(ListSettings()).settings.first { $0.key == key }?.coming
    }

    /// A backup in the server's folder; without a server a name that is none.
    func backup() async throws -> String? {
        do {
            return try await runner.run(ListBackups()).backups.first?.name
        } catch let error as OperationError where error.kind == .unavailable {
            return "none"
        }
    }

    /// Whether the bot of the health check is logged in.
    func testClientIsThere() async throws -> Bool {
        let login = IssueTestClientToken.botLogin
        guard try await has(user: login) else { return false }
        return try await !runner.run(ListSessions(login: login)).sessions.isEmpty
    }
}
