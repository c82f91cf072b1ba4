// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Makes an administrator.
    package struct CreateAdmin: LogWrite {
        let admin: NewAdmin

        package init(_ admin: NewAdmin) {
            self.admin = admin
        }

        package func apply(to log: inout LogTransaction) throws {
            try log.checkNoAdmin(admin.username)
            try log.insert(admin, of: nil)
            log.append(.admin, of: nil, "created")
        }
    }
}

package struct NewAdmin: Sendable {
    package var username: String
    package var passwordHash: String

    package init(username: String, passwordHash: String) {
        self.username = username
        self.passwordHash = passwordHash
    }
}

extension LogTransaction {
    func insert(_ admin: NewAdmin, of user: UserID?) throws(StorageError) {
        try connection.execute(
            "INSERT INTO admins (username, hash_password, created_ms, user_id) VALUES ($1, $2, $3, $4)",
            [.text(admin.username), .text(admin.passwordHash), SQLValue(time), SQLValue(user?.rawValue)])
    }

    func checkNoAdmin(_ username: String) throws {
        if try isAdmin(username) { throw WriteRefusal.adminExists }
    }

    func isAdmin(_ username: String) throws(StorageError) -> Bool {
        try !connection.rows("SELECT 1 FROM admins WHERE username = $1", [.text(username)]).isEmpty
    }
}
