// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// What the server itself never asks the store, and tests want to know.
extension Storage {
    /// Whether a session is neither revoked nor expired, and its account not deleted.
    package func isLive(_ session: SessionID) async throws(StorageError) -> Bool {
        let now = currentTime()
        return try await engine.read { connection in
            try !connection.rows(
                """
                SELECT 1 FROM sessions s
                JOIN users u ON u.id = s.user_id
                WHERE s.id = $1 AND s.revoked_ms IS NULL AND s.expires_ms > $2 AND u.deleted_ms IS NULL
                """, [.int(session.rawValue), .int(now.milliseconds)]
            ).isEmpty
        }
    }

    /// The accounts that have an account in their list.
    package func contactHolders(of user: UserID) async throws(StorageError) -> [UserID] {
        try await engine.read { connection in
            let rows = try connection.rows(
                "SELECT user_id FROM contacts WHERE contact_id = $1 ORDER BY user_id", [.int(user.rawValue)])
            return rows.compactMap { row in
                guard case .int(let holder)? = row.first else { return nil }
                return UserID(holder)
            }
        }
    }

    /// Notes when sessions were last used, and on which node they are; `nil` for `node` leaves what is known.
    package func touch(_ seen: [SessionID: Timestamp], node: NodeID? = nil) async throws(StorageError) {
        try await saveCursors([], seen: seen, node: node)
    }
}
