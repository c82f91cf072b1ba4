// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Storage

/// `session.end`: ends the session of a token, for protocols without a method that does it.
package struct EndSession: AdminOperation {
    /// What `session.end` tells.
    package struct Report: Codable, Sendable {
        /// Whether there was such a session.
        package var isEnded: Bool
    }

    package static let name = "session.end"
    package static let summary = "End the session of a token."
    package static let access = OperationActor.Scope.write
    package static let isWatching = true

    /// Whose session.
    package var uuid: String
    /// The session's token.
    package var token: SecretText

    package init(uuid: String, token: SecretText) {
        self.uuid = uuid
        self.token = token
    }

    package var target: String? { uuid }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        guard let account = Identifier(decimal: uuid) else { return Report(isEnded: false) }
        do throws(ChatError) {
            let principal = try await context.chat.principal(uuid: account, token: TokenHash(of: token.clearText))
            try await context.recording { note throws(ChatError) in
                try await context.chat.logOut(principal, audit: note)
            }
            return Report(isEnded: true)
        } catch {
            switch error {
            case .tokenUnknown, .tokenExpired, .tokenRevoked, .accountDeleted: return Report(isEnded: false)
            default: throw OperationError(error)
            }
        }
    }
}
