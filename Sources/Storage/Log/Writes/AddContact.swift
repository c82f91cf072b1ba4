// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Puts an account into the list of another one.
    package struct AddContact: LogWrite {
        let user: UserID
        let contact: UserID

        /// Puts `contact` into the list of `user`.
        package init(_ user: UserID, _ contact: UserID) {
            self.user = user
            self.contact = contact
        }

        package func apply(to log: inout LogTransaction) throws {
            try log.checkAccount(user)
            try log.checkOther(contact)
            let added = try log.connection.execute(
                """
                INSERT INTO contacts (user_id, contact_id, created_ms) VALUES ($1, $2, $3)
                ON CONFLICT (user_id, contact_id) DO NOTHING
                """, [SQLValue(user), SQLValue(contact), SQLValue(log.time)])
            if added > 0 { log.appendContact(contact, of: user, added: true) }
        }
    }
}

extension LogTransaction {
    mutating func appendContact(_ contact: UserID, of user: UserID, added: Bool) {
        append(
            .contact, of: user.rawValue, content: Array(#"{"contact":\#(contact.rawValue),"added":\#(added)}"#.utf8))
    }
}
