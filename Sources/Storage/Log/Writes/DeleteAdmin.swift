// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Removes an administrator; an account of that name stays.
    package struct DeleteAdmin: LogWrite {
        let username: String

        package init(username: String) {
            self.username = username
        }

        package func apply(to log: inout LogTransaction) throws {
            let changed = try log.connection.execute("DELETE FROM admins WHERE username = $1", [.text(username)])
            guard changed > 0 else { throw WriteRefusal.noSuchAdmin }
            log.append(.admin, of: nil, "deleted")
        }
    }
}
