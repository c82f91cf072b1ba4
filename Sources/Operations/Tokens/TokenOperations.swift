// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Storage

/// `token.create`: a token with which a program acts for an administrator over the HTTP API.
///
/// It is told once; the database keeps only its hash.
package struct CreateToken: AdminOperation {
    /// What `token.create` tells.
    package struct Report: Codable, Sendable {
        /// The secret that the program sends.
        package var secret: SecretText
        /// What lists show of it: never the secret.
        package var token: TokenReport
    }

    package static let name = "token.create"
    package static let summary = "Create an API token for an administrator."
    package static let access = OperationActor.Scope.write
    /// The longest life in seconds: ten years.
    package static let maximumSeconds: Int64 = 3650 * 86_400
    private static let randomBytes = 32

    /// What it is to be called.
    package var name: String
    /// For whom it acts.
    package var superuser: String
    /// What it may do.
    package var scope: OperationActor.Scope
    /// For how many seconds it is valid.
    package var seconds: Int64

    package init(name: String, superuser: String, scope: OperationActor.Scope = .read, seconds: Int64 = 90 * 86_400) {
        self.name = name
        self.superuser = superuser
        self.scope = scope
        self.seconds = seconds
    }

    package var target: String? { name }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        guard !name.isEmpty else { throw OperationError(.invalid, "The name of a token is not empty.") }
        try context.check(name, "name", limit: ChatLimits.usernameBytes)
        try context.check(superuser, "superuser", limit: ChatLimits.usernameBytes)
        guard (1...Self.maximumSeconds).contains(seconds) else {
            throw OperationError(.invalid, "A token is valid for 1 second to ten years, not \(seconds) seconds.")
        }
        _ = try await context.administrator(superuser)
        if try await context.reading({ try await $0.apiToken(named: name) }) != nil {
            throw OperationError(
                .exists, "A token '\(name)' exists already.", nextStep: "Revoke it with 'manage token revoke \(name)'.")
        }
        var random = SecureRandom()
        let token = Token(byteCount: Self.randomBytes, using: &random)
        let hash = token.hash.bytes
        _ = try await context.write(
            Write.CreateAdminToken(
                hash: hash, kind: .api, name: name, administrator: superuser, canWrite: scope == .write,
                created: context.chat.currentTime, lifetimeSeconds: seconds))
        let record = try await context.reading { try await $0.adminToken(hash: hash) }
        guard let record else { throw OperationError(.failed, "The token is gone.", nextStep: "Try again.") }
        return Report(secret: SecretText(token.text), token: TokenReport(record, at: context.chat.currentTime))
    }
}

/// `token.list`: the API tokens, newest first.
package struct ListTokens: AdminOperation {
    /// What `token.list` tells.
    package struct Report: Codable, Sendable {
        /// At most 1000.
        package var tokens: [TokenReport]
        /// Whether there are more.
        package var isCut: Bool
    }

    package static let name = "token.list"
    package static let summary = "List the API tokens, newest first."
    package static let access = OperationActor.Scope.read
    private static let maximumCount = 1000

    package init() {}

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let records = try await context.reading { try await $0.apiTokens(limit: Self.maximumCount + 1) }
        let now = context.chat.currentTime
        return Report(
            tokens: records.prefix(Self.maximumCount).map { TokenReport($0, at: now) },
            isCut: records.count > Self.maximumCount)
    }
}

/// `token.revoke`: an API token opens nothing from now on.
package struct RevokeToken: AdminOperation {
    package static let name = "token.revoke"
    package static let summary = "Revoke an API token."
    package static let access = OperationActor.Scope.write

    /// What it is called.
    package var name: String

    package init(name: String) {
        self.name = name
    }

    package var target: String? { name }

    package func run(on context: OperationContext) async throws(OperationError) -> TokenReport {
        try context.check(name, "name", limit: ChatLimits.usernameBytes)
        let record = try await context.reading { try await $0.apiToken(named: name) }
        guard var record else {
            throw OperationError(
                .notFound, "No token '\(name)'.", nextStep: "List the tokens with 'manage token list'.")
        }
        let receipt = try await context.write(Write.RevokeAdminToken(record.hash))
        record.revoked = receipt.time
        return TokenReport(record, at: receipt.time)
    }
}
