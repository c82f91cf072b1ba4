// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Storage

/// `superuser.totp`: switches the second factor of an administrator's login to the panel on or off.
package struct SetSecondFactor: AdminOperation {
    /// What `superuser.totp` tells.
    package struct Report: Codable, Sendable {
        /// The administrator's name.
        package var username: String
        /// What an authenticator is given, this once; `nil` when the second factor is off.
        @Nullable package var uri: SecretText?
    }

    package static let name = "superuser.totp"
    package static let summary = "Switch an administrator's second factor on or off."
    package static let access = OperationActor.Scope.write

    /// The administrator's name.
    package var username: String
    /// Whether there is to be one.
    package var isEnabled: Bool

    package init(username: String, isEnabled: Bool) {
        self.username = username
        self.isEnabled = isEnabled
    }

    package var target: String? { username }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        try context.check(username, "username", limit: ChatLimits.usernameBytes)
        let record = try await context.administrator(username)
        guard isEnabled else {
            guard record.totpSecret != nil else {
                throw OperationError(.notFound, "The administrator '\(username)' has no second factor.")
            }
            _ = try await context.write(Write.SetTOTP(username: username, nil))
            return Report(username: username, uri: nil)
        }
        guard record.totpSecret == nil else {
            throw OperationError(
                .exists, "The administrator '\(username)' has a second factor already.",
                nextStep: "Disable it first to get a new secret.")
        }
        var random = SecureRandom()
        let factor = TOTP(using: &random)
        guard let sealed = context.chat.seal(factor, of: username) else {
            throw OperationError(
                .unavailable, "There is no key file to seal the secret with.", nextStep: "Check [SECRETS] KEY_FILE.")
        }
        _ = try await context.write(Write.SetTOTP(username: username, sealed))
        return Report(username: username, uri: SecretText(factor.uri(issuer: "Parley", account: username)))
    }
}
