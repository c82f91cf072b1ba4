// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `user.sessions`: the log ins of an account that are neither revoked nor expired, newest first.
package struct ListSessions: AdminOperation {
    /// What `user.sessions` tells.
    package struct Report: Codable, Sendable {
        /// Whose sessions.
        package var login: String
        /// At most 1000.
        package var sessions: [Session]
    }

    /// One log in of one device.
    package struct Session: Codable, Sendable {
        /// Its number, for `user logout --session`.
        package var id: Int64
        /// Such as `mtp`.
        package var `protocol`: String
        /// Where the log in came from.
        package var address: String
        /// When it was opened, as RFC 3339 writes it.
        package var created: String
        /// When it was last used.
        package var lastSeen: String
        /// When it ends.
        package var expires: String

        private enum CodingKeys: String, CodingKey {
            case id, `protocol`, address, created
            case lastSeen = "last_seen"
            case expires
        }
    }

    package static let name = "user.sessions"

    /// Whose sessions.
    package var login: String

    /// Creates the operation.
    package init(login: String) {
        self.login = login
    }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let user = try await context.user(login: login)
        let sessions = try await context.reading { () async throws(StorageError) in
            try await context.chat.storage.sessions(of: user.id)
        }
        return Report(
            login: user.login,
            sessions: sessions.map {
                Session(
                    id: $0.id.rawValue, protocol: $0.protocol, address: $0.address, created: $0.created.text,
                    lastSeen: $0.lastSeen.text, expires: $0.expires.text)
            })
    }
}
