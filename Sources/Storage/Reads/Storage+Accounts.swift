// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    static let userColumns = """
        u.id, u.uuid, u.login, u.login_key, u.username, u.hash_password, u.is_bot, u.is_hidden, u.email, u.avatar,
        u.bio, u.created_ms, u.deleted_ms, u.fastchat_number, u.skaro_secret
        """

    static func user(_ row: SQLRow) throws(StorageError) -> UserRecord {
        var reader = RowReader(row)
        return try user(&reader)
    }

    static func user(_ reader: inout RowReader) throws(StorageError) -> UserRecord {
        UserRecord(
            id: try reader.user(), uuid: try reader.identifier(), login: try reader.text(), loginKey: try reader.text(),
            username: try reader.text(), passwordHash: try reader.text(), isBot: try reader.bool(),
            isHidden: try reader.bool(), email: try reader.text(), avatar: try reader.text(), bio: try reader.text(),
            created: try reader.time(),
            deleted: try reader.optionalTime(), publicNumber: try reader.int(),
            challengeSecret: try reader.optionalBytes())
    }

    private func user(where condition: String, _ value: SQLValue) async throws(StorageError) -> UserRecord? {
        try await read(.accounts) { connection in
            let rows = try connection.rows("SELECT \(Self.userColumns) FROM users u WHERE \(condition)", [value])
            guard let row = rows.first else { return nil }
            return try Self.user(row)
        }
    }

    /// Deleted accounts are found by `id` and `uuid`, not by login.
    package func user(_ id: UserID) async throws(StorageError) -> UserRecord? {
        try await user(where: "u.id = $1", SQLValue(id))
    }

    package func user(uuid: Identifier) async throws(StorageError) -> UserRecord? {
        try await user(where: "u.uuid = $1", SQLValue(uuid))
    }

    /// The account with this login, given in its compared form.
    package func user(loginKey: String) async throws(StorageError) -> UserRecord? {
        try await user(where: "u.login_key = $1 AND u.deleted_ms IS NULL", .text(loginKey))
    }

    /// The account that FastChat clients know by this number.
    package func user(publicNumber number: Int64) async throws(StorageError) -> UserRecord? {
        try await user(where: "u.fastchat_number = $1 AND u.deleted_ms IS NULL", .int(number))
    }

    /// The accounts with these uuids, in that order; those that do not exist are missing.
    package func users(uuids: [Identifier]) async throws(StorageError) -> [UserRecord] {
        try await read(.accounts) { connection in
            let found = try connection.rows(
                pipelined: uuids.map {
                    SQLStatement("SELECT \(Self.userColumns) FROM users u WHERE u.uuid = $1", [SQLValue($0)])
                })
            var users: [UserRecord] = []
            for row in found.joined() { users.append(try Self.user(row)) }
            return users
        }
    }

    /// Those of some accounts that are not hidden.
    package func shownUsers(_ users: [UserID]) async throws(StorageError) -> [UserID: UserRecord] {
        let numbers = SQLValue.numbers(users.map(\.rawValue))
        return try await read(.accounts) { connection in
            var shown: [UserID: UserRecord] = [:]
            for row in try connection.rows(
                """
                SELECT \(Self.userColumns) FROM users u
                WHERE u.is_hidden = 0 AND u.id IN (SELECT number FROM \(self.engine.dialect.numbers) n)
                """, [numbers])
            {
                let user = try Self.user(row)
                shown[user.id] = user
            }
            return shown
        }
    }

    /// All accounts that are neither deleted nor hidden, by row number.
    package func users(after: UserID = UserID(0), limit: Int) async throws(StorageError) -> [UserRecord] {
        try await read(.administration) { connection in
            let rows = try connection.rows(
                """
                SELECT \(Self.userColumns) FROM users u
                WHERE u.id > $1 AND u.deleted_ms IS NULL AND u.is_hidden = 0
                ORDER BY u.id
                LIMIT $2
                """, [SQLValue(after), SQLValue(limit: limit)])
            return try rows.map { row in try Self.user(row) }
        }
    }

    /// Those of the accounts with row numbers in a range that have a text in their login or shown name, by row number.
    ///
    /// - Parameters:
    ///   - key: The text in the compared form of logins. In shown names upper and lower case of ASCII letters are the
    ///     same.
    ///   - text: The text as it was given.
    ///   - after: Only row numbers above this.
    ///   - last: The highest row number.
    ///   - limit: The most accounts.
    /// - Returns: The accounts, without deleted and hidden ones.
    /// - Throws: `StorageError`.
    package func users(
        named key: String, as text: String, after: UserID, through last: UserID, limit: Int
    ) async throws(StorageError) -> [UserRecord] {
        let place = engine.dialect.place
        return try await read(.administration) { connection in
            let rows = try connection.rows(
                """
                SELECT \(Self.userColumns) FROM users u
                WHERE u.id > $1 AND u.id <= $2 AND u.is_hidden = 0
                  AND (\(place)(u.login_key, $3) > 0 OR \(place)(lower(u.username), lower($3)) > 0
                       OR \(place)(u.username, $4) > 0)
                  AND u.deleted_ms IS NULL
                ORDER BY u.id
                LIMIT $5
                """,
                [SQLValue(after), SQLValue(last), .text(key), .text(text), SQLValue(limit: limit)])
            return try rows.map { row in try Self.user(row) }
        }
    }

    /// The highest row number of an account; 0 when there is none.
    package func lastUser() async throws(StorageError) -> UserID {
        try await read(.administration) { connection in
            guard let row = try connection.rows("SELECT coalesce(max(id), 0) FROM users").first else {
                return UserID(0)
            }
            var reader = RowReader(row)
            return try reader.user()
        }
    }

    // MARK: Sessions

    private static let sessionColumns = """
        s.id, s.user_id, s.protocol, s.address, s.created_ms, s.last_seen_ms, s.expires_ms, s.revoked_ms, s.node,
        s.device
        """

    private static func session(_ reader: inout RowReader) throws(StorageError) -> SessionRecord {
        SessionRecord(
            id: SessionID(try reader.int()), user: try reader.user(), protocol: try reader.text(),
            address: try reader.text(), created: try reader.time(), lastSeen: try reader.time(),
            expires: try reader.time(), revoked: try reader.optionalTime(),
            node: NodeID(try reader.int()), device: try reader.text())
    }

    /// The session of a token with its account, expired and revoked ones too.
    package func session(tokenHash: [UInt8]) async throws(StorageError) -> (SessionRecord, UserRecord)? {
        try await read(.accounts) { connection in
            let rows = try connection.rows(
                """
                SELECT \(Self.sessionColumns), \(Self.userColumns)
                FROM sessions s
                JOIN users u ON u.id = s.user_id
                WHERE s.token_hash = $1
                """, [.bytes(tokenHash)])
            guard let row = rows.first else { return nil }
            var reader = RowReader(row)
            return (try Self.session(&reader), try Self.user(&reader))
        }
    }

    /// The sessions of an account that are neither revoked nor expired, newest first, at most `limit`.
    package func sessions(of user: UserID, limit: Int = 1000) async throws(StorageError) -> [SessionRecord] {
        let now = currentTime()
        return try await read(.accounts) { connection in
            let rows = try connection.rows(
                """
                SELECT \(Self.sessionColumns) FROM sessions s
                WHERE s.user_id = $1 AND s.revoked_ms IS NULL AND s.expires_ms > $2
                ORDER BY s.id DESC
                LIMIT $3
                """, [SQLValue(user), SQLValue(now), SQLValue(limit: limit)])
            return try rows.map { row in
                var reader = RowReader(row)
                return try Self.session(&reader)
            }
        }
    }

    /// Sessions that should have ended with their connection: their node was silent for longer than `silence`, or is
    /// not in the list any more, or they are on none and were not seen for `silence` and ten minutes; those of `own`
    /// are left out.
    ///
    /// A heartbeat from ahead of the database's clock is no silence here: its node may be about to renew it.
    package func abandonedSessions(
        besides own: NodeID, silentFor silence: Duration, limit: Int
    ) async throws(StorageError) -> [(user: UserID, session: SessionID)] {
        let now = currentTime()
        let silence = silence.components.seconds * 1000
        let sql = """
            SELECT s.user_id, s.id FROM sessions s
            WHERE s.ends_with_connection = 1 AND s.revoked_ms IS NULL AND s.expires_ms > $1 AND s.node <> $2
                AND NOT EXISTS (
                    SELECT 1 FROM nodes n
                    WHERE n.id = s.node AND n.heartbeat_ms >= \(engine.dialect.nowMilliseconds) - $3)
                AND (s.node <> 0 OR s.last_seen_ms < $4)
            LIMIT $5
            """
        return try await read(.chores) { connection in
            let rows = try connection.rows(
                sql,
                [
                    SQLValue(now), .int(own.rawValue), .int(silence), .int(now.milliseconds - silence - 600_000),
                    SQLValue(limit: limit),
                ])
            return try rows.map { row in
                var reader = RowReader(row)
                return (try reader.user(), SessionID(try reader.int()))
            }
        }
    }

    /// Finds sessions that expired before `time`: their account and themselves.
    static func findSessions(expiredBefore time: Timestamp, limit: Int) -> SQLStatement {
        SQLStatement(
            "SELECT user_id, id FROM sessions WHERE expires_ms < $1 ORDER BY expires_ms, id LIMIT $2",
            [SQLValue(time), SQLValue(limit: limit)])
    }

    /// Removes sessions that expired before `time`, at most `limit`.
    ///
    /// - Returns: How many were removed.
    package func removeSessions(expiredBefore time: Timestamp, limit: Int = 1000) async throws(StorageError) -> Int {
        let expired = try await read(.chores) { connection in
            try connection.rows(Self.findSessions(expiredBefore: time, limit: limit))
        }
        guard !expired.isEmpty else { return 0 }
        return try await write(.chores) { connection in
            var statements: [SQLStatement] = []
            for row in expired {
                var reader = RowReader(row)
                let user = try reader.user()
                let session = try reader.int()
                // A device that is a session ends with it.
                statements.append(
                    SQLStatement(
                        "DELETE FROM cursors WHERE user_id = $1 AND device = $2",
                        [SQLValue(user), .text("session \(session)")]))
                statements.append(SQLStatement("DELETE FROM sessions WHERE id = $1", [.int(session)]))
            }
            _ = try connection.rows(pipelined: statements)
            return expired.count
        }
    }

    // MARK: Admins

    private static let adminColumns = "username, hash_password, created_ms, user_id, totp_secret"

    private static func admin(_ row: SQLRow) throws(StorageError) -> AdminRecord {
        var reader = RowReader(row)
        return AdminRecord(
            username: try reader.text(), passwordHash: try reader.text(), created: try reader.time(),
            user: try reader.optionalInt().map { UserID($0) }, totpSecret: try reader.optionalBytes())
    }

    package func admin(username: String) async throws(StorageError) -> AdminRecord? {
        try await read(.accounts) { connection in
            let rows = try connection.rows(
                "SELECT \(Self.adminColumns) FROM admins WHERE username = $1", [.text(username)])
            guard let row = rows.first else { return nil }
            return try Self.admin(row)
        }
    }

    /// All administrators, by name.
    package func admins(after: String = "", limit: Int) async throws(StorageError) -> [AdminRecord] {
        try await read(.administration) { connection in
            let rows = try connection.rows(
                """
                SELECT \(Self.adminColumns) FROM admins WHERE username > $1 ORDER BY username LIMIT $2
                """, [.text(after), SQLValue(limit: limit)])
            return try rows.map { row in try Self.admin(row) }
        }
    }
}
