// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Storage

/// An administrator who is known by a token.
package struct AdminPrincipal: Sendable, Equatable {
    /// The administrator's name.
    package var name: String
    /// What the token may do.
    package var scope: OperationActor.Scope
}

extension OperationContext {
    /// Longer ones are none of ours.
    private static let maximumTokenBytes = 256

    /// The administrator of an API token, looked up by its hash in the store each time: a revoked token and the
    /// token of a former administrator are refused at once.
    ///
    /// - Returns: `nil` when the token is unknown, expired or revoked.
    package func administrator(token: SecretText) async throws(OperationError) -> AdminPrincipal? {
        try await principal(of: token, kind: .api)
    }

    /// The same for tokens of one kind.
    func principal(
        of token: SecretText, kind: AdminTokenRecord.Kind
    ) async throws(OperationError) -> AdminPrincipal? {
        guard token.clearText.utf8.count <= Self.maximumTokenBytes else { return nil }
        let hash = TokenHash(of: token.clearText).bytes
        let record = try await reading { try await $0.adminToken(hash: hash) }
        guard let record, record.kind == kind, record.isValid(at: chat.currentTime) else { return nil }
        // The time of the last use is not worth a refusal; what failed is in the log.
        try? await reading { try await $0.noteUse(of: record) }
        return AdminPrincipal(name: record.administrator, scope: record.canWrite ? .write : .read)
    }

    /// The administrator of a name.
    ///
    /// - Throws: `.notFound` that names it.
    func administrator(_ username: String) async throws(OperationError) -> AdminRecord {
        let record = try await reading { try await $0.admin(username: username) }
        guard let record else { throw .noAdministrator(username) }
        return record
    }
}
