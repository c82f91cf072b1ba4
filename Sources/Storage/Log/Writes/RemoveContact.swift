// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Takes an account from the list of another one.
    package struct RemoveContact: LogWrite {
        let user: UserID
        let contact: UserID

        /// Takes `contact` from the list of `user`.
        package init(_ user: UserID, _ contact: UserID) {
            self.user = user
            self.contact = contact
        }

        package func apply(to log: inout LogTransaction) throws {
            try log.checkAccount(user)
            let removed = try log.connection.execute(
                "DELETE FROM contacts WHERE user_id = $1 AND contact_id = $2", [SQLValue(user), SQLValue(contact)])
            if removed > 0 { log.appendContact(contact, of: user, added: false) }
        }
    }
}
