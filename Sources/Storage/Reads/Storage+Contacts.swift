// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    /// The accounts in an account's list that are not deleted, by row number.
    package func contacts(
        of user: UserID, after: UserID = UserID(0), limit: Int
    ) async throws(StorageError) -> [UserRecord] {
        try await read(.accounts) { connection in
            let rows = try connection.rows(
                """
                SELECT \(Self.userColumns)
                FROM contacts c
                JOIN users u ON u.id = c.contact_id
                WHERE c.user_id = $1 AND c.contact_id > $2 AND u.deleted_ms IS NULL
                ORDER BY c.contact_id
                LIMIT $3
                """, [SQLValue(user), SQLValue(after), SQLValue(limit: limit)])
            return try rows.map { row in try Self.user(row) }
        }
    }

    /// The accounts in an account's list, without reading them.
    package func contactIDs(of user: UserID) async throws(StorageError) -> [UserID] {
        try await read(.accounts) { connection in
            let sql = "SELECT contact_id FROM contacts WHERE user_id = $1 ORDER BY contact_id"
            return try connection.rows(sql, [SQLValue(user)]).map { row in
                var reader = RowReader(row)
                return try reader.user()
            }
        }
    }

    /// No login is longer, so longer text is in none.
    private static let maximumSearchBytes = 1024

    /// The accounts whose login contains `text`, given in the compared form of logins: shortest login first.
    ///
    /// Hidden and deleted accounts are left out. Looks at every login.
    package func users(loginContaining text: String, limit: Int) async throws(StorageError) -> [UserRecord] {
        guard text.utf8.count <= Self.maximumSearchBytes else { return [] }
        var pattern = "%"
        for character in text.unicodeScalars {
            if "\\%_".unicodeScalars.contains(character) { pattern.unicodeScalars.append("\\") }
            pattern.unicodeScalars.append(character)
        }
        pattern += "%"
        let arguments = [SQLValue.text(pattern), SQLValue(limit: limit)]
        return try await read(.accounts) { connection in
            let rows = try connection.rows(
                """
                SELECT \(Self.userColumns) FROM users u
                WHERE u.login_key LIKE $1 ESCAPE '\\' AND u.deleted_ms IS NULL AND u.is_hidden = 0
                ORDER BY length(u.login_key), u.id
                LIMIT $2
                """, arguments)
            return try rows.map { row in try Self.user(row) }
        }
    }
}
