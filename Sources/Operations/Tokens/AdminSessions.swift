// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
import Credentials
import Storage

/// Logins of administrators to the panel.
///
/// A login is a token that is kept in a cookie: it ends when the administrator logs out, after twelve hours, with a new
/// password, and with the administrator.
package struct AdminSessions: Sendable {
    /// How long a login is valid.
    package static let lifetimeSeconds: Int64 = 12 * 3600
    private static let randomBytes = 32

    private let context: OperationContext

    package init(chat: Chat) {
        context = OperationContext(chat: chat)
    }

    /// Logs an administrator in, with a record in the audit; failures have none, or strangers could fill it.
    ///
    /// The code is that of the second factor; it is not looked at where there is none. Returns the token, which only
    /// the browser keeps.
    ///
    /// - Throws: `.refused`, `.busy`; the same error for a name, a password or a code that is wrong.
    package func logIn(
        name: String, password: SecretText, code: String, from origin: Origin
    ) async throws(OperationError) -> SecretText {
        let administrator: AdminRecord
        do throws(ChatError) {
            administrator = try await context.chat.checkAdministrator(
                name: name, password: password.password, code: code, from: origin)
        } catch {
            guard case .wrongPassword = error else { throw OperationError(error) }
            throw OperationError(.refused, "The name, the password or the code is wrong.")
        }
        var random = SecureRandom()
        let token = Token(byteCount: Self.randomBytes, using: &random)
        let entry = AuditEntry(
            actor: administrator.username, face: OperationActor.Face.web.rawValue, address: origin.address,
            operation: "panel.login", target: administrator.username)
        let creation = Write.CreateAdminToken(
            hash: token.hash.bytes, kind: .panel, name: "", administrator: administrator.username, canWrite: true,
            created: context.chat.currentTime, lifetimeSeconds: Self.lifetimeSeconds)
        _ = try await context.asking {
            try await $0.write(creation, by: nil, audit: AuditNote(entry) { SHA256Digest.digest(of: $0) })
        }
        return SecretText(token.text)
    }

    /// The administrator of a login; `nil` when it is unknown or has ended.
    package func administrator(_ token: SecretText) async throws(OperationError) -> AdminPrincipal? {
        try await context.principal(of: token, kind: .panel)
    }

    /// Ends a login; nothing happens to one that has ended.
    package func logOut(_ token: SecretText) async throws(OperationError) {
        guard try await administrator(token) != nil else { return }
        _ = try await context.write(Write.RevokeAdminToken(TokenHash(of: token.clearText).bytes))
    }
}
