// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What accounts have stored, which limits they have of their own, and from where they have logged in.
extension Storage {
    // MARK: Limits

    /// The limits that accounts have of their own, in the text form of the domain.
    package func accountLimits() async throws(StorageError) -> [(user: UserID, limits: String)] {
        try await read(.accounts) { connection in
            let rows = try connection.rows("SELECT user_id, limits FROM account_limits ORDER BY user_id")
            return try rows.map { row in
                var reader = RowReader(row)
                return (try reader.user(), try reader.text())
            }
        }
    }

    /// The limits of one account; `nil` when it has none of its own.
    package func accountLimits(of user: UserID) async throws(StorageError) -> String? {
        try await read(.accounts) { connection in
            let rows = try connection.rows(
                "SELECT limits FROM account_limits WHERE user_id = $1", [SQLValue(user)])
            guard let row = rows.first else { return nil }
            var reader = RowReader(row)
            return try reader.text()
        }
    }

    // MARK: Usage

    /// How many bytes the messages of an account take, as far as it was counted.
    package func storedBytes(of user: UserID) async throws(StorageError) -> Int64 {
        try await read(.accounts) { connection in
            let rows = try connection.rows(
                "SELECT stored_bytes FROM account_usage WHERE user_id = $1", [SQLValue(user)])
            guard let row = rows.first else { return 0 }
            var reader = RowReader(row)
            return try reader.int()
        }
    }

    /// Adds to what accounts have stored; what is given back never goes below 0.
    ///
    /// - Parameters:
    ///   - changes: In the order of the accounts, so that two servers do not wait for each other.
    ///   - intend: Gets the new sums before they are committed.
    /// - Returns: The new sums.
    /// - Throws: `StorageError` of the engine.
    package func addStoredBytes(
        _ changes: [(user: UserID, bytes: Int64)],
        intend: @escaping @Sendable ([(user: UserID, bytes: Int64)]) -> Void = { _ in }
    ) async throws(StorageError) -> [(user: UserID, bytes: Int64)] {
        try await write(.chores) { connection in
            var totals: [(user: UserID, bytes: Int64)] = []
            for (user, bytes) in changes {
                let rows = try connection.rows(
                    """
                    INSERT INTO account_usage (user_id, stored_bytes)
                    VALUES ($1, CASE WHEN $2 < 0 THEN 0 ELSE $2 END)
                    ON CONFLICT (user_id) DO UPDATE SET stored_bytes =
                        CASE WHEN account_usage.stored_bytes + $2 < 0 THEN 0 ELSE account_usage.stored_bytes + $2 END
                    RETURNING stored_bytes
                    """, [SQLValue(user), .int(bytes)])
                guard let row = rows.first else { continue }
                var reader = RowReader(row)
                totals.append((user, try reader.int()))
            }
            intend(totals)
            return totals
        }
    }

    /// How many groups and channels an account owns; counted up to `limit`.
    package func ownedFlows(
        of user: UserID, publicOnly: Bool = false, atMost limit: Int
    ) async throws(StorageError) -> Int {
        try await read(.flows) { connection in
            try connection.rows(
                """
                SELECT 1 FROM flows
                WHERE owner_id = $1 AND flow_type <> 'chat' AND deleted_ms IS NULL AND is_public >= $2
                LIMIT $3
                """, [SQLValue(user), .int(publicOnly ? 1 : 0), SQLValue(limit: limit)]
            ).count
        }
    }

    // MARK: Logins

    /// How many of an account's newest sessions tell from where it logs in.
    private static let lookedAtSessions = 1000

    /// From where an account has logged in with success, as far as its sessions are still known; ended ones count.
    package func loginAddresses(loginKey: String) async throws(StorageError) -> [String] {
        try await read(.accounts) { connection in
            let rows = try connection.rows(
                """
                SELECT DISTINCT n.address
                FROM (
                    SELECT s.address
                    FROM sessions s
                    JOIN users u ON u.id = s.user_id
                    WHERE u.login_key = $1 AND u.deleted_ms IS NULL
                    ORDER BY s.id DESC
                    LIMIT $2) n
                """, [.text(loginKey), SQLValue(limit: Self.lookedAtSessions)])
            return try rows.map { row in
                var reader = RowReader(row)
                return try reader.text()
            }
        }
    }
}
