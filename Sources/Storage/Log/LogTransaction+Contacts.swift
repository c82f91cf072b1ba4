// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension LogTransaction {
    // MARK: Contacts

    mutating func addContact(_ write: Write, _ contact: UserID, to user: UserID) throws(Failure) -> Receipt {
        try checkAccount(user)
        try checkOther(contact)
        let added = try storing {
            try connection.execute(
                """
                INSERT INTO contacts (user_id, contact_id, created_ms) VALUES ($1, $2, $3)
                ON CONFLICT (user_id, contact_id) DO NOTHING
                """, [SQLValue(user), SQLValue(contact), SQLValue(time)])
        }
        guard added > 0 else { return nothingDone }
        return contactEvent(write, user, contact, added: true)
    }

    mutating func removeContact(_ write: Write, _ contact: UserID, of user: UserID) throws(Failure) -> Receipt {
        try checkAccount(user)
        let removed = try storing {
            try connection.execute(
                "DELETE FROM contacts WHERE user_id = $1 AND contact_id = $2", [SQLValue(user), SQLValue(contact)])
        }
        guard removed > 0 else { return nothingDone }
        return contactEvent(write, user, contact, added: false)
    }

    private mutating func contactEvent(_ write: Write, _ user: UserID, _ contact: UserID, added: Bool) -> Receipt {
        let content = Array(#"{"contact":\#(contact.rawValue),"added":\#(added)}"#.utf8)
        let position = appendAccountEvent(write, .contact, subject: user.rawValue, content: content)
        return Receipt(position: position, time: time)
    }

    // MARK: Keys

    mutating func putKey(
        _ write: Write, of user: UserID, device: String, kind: String, publicKey: String
    ) throws(Failure) -> Receipt {
        try checkAccount(user)
        let changed = try storing {
            try connection.execute(
                """
                INSERT INTO user_keys (user_id, device, kind, public_key, created_ms) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (user_id, device, kind) DO UPDATE SET public_key = excluded.public_key, created_ms = $5
                WHERE user_keys.public_key <> excluded.public_key
                """, [SQLValue(user), .text(device), .text(kind), .text(publicKey), SQLValue(time)])
        }
        guard changed > 0 else { return nothingDone }
        return Receipt(position: appendAccountEvent(write, .key, subject: user.rawValue), time: time)
    }

    // MARK: Invites

    mutating func createInvite(_ write: Write, _ invite: NewInvite) throws(Failure) -> Receipt {
        let added = try storing {
            try connection.execute(
                """
                INSERT INTO invites (code_hash, created_ms, expires_ms, uses_left, used, revoked_ms, note)
                VALUES ($1, $2, $3, $4, 0, NULL, $5)
                ON CONFLICT (code_hash) DO NOTHING
                """,
                [
                    .bytes(invite.codeHash), SQLValue(time), SQLValue(invite.expires?.milliseconds), .int(invite.uses),
                    .text(invite.note),
                ])
        }
        guard added > 0 else { return nothingDone }
        return Receipt(
            position: appendAccountEvent(write, .invite, subject: nil, content: LogEvent.what("created")), time: time)
    }

    mutating func revokeInvite(_ write: Write, _ codeHash: [UInt8]) throws(Failure) -> Receipt {
        let changed = try storing {
            try connection.execute(
                "UPDATE invites SET revoked_ms = $1 WHERE code_hash = $2 AND revoked_ms IS NULL",
                [SQLValue(time), .bytes(codeHash)])
        }
        guard changed > 0 else { throw .refusal(.inviteInvalid) }
        return Receipt(
            position: appendAccountEvent(write, .invite, subject: nil, content: LogEvent.what("revoked")), time: time)
    }

    /// The invite exists, and an account can be made with it now.
    func checkInvite(_ codeHash: [UInt8]) throws(Failure) {
        let invite = try storing { try Storage.invite(codeHash: codeHash, on: connection) }
        guard let invite, invite.isValid(at: time) else { throw .refusal(.inviteInvalid) }
    }

    /// Takes one use of an invite that was checked under the same lock.
    func consumeInvite(_ codeHash: [UInt8]) throws(StorageError) {
        try connection.execute(
            "UPDATE invites SET uses_left = uses_left - 1, used = used + 1 WHERE code_hash = $1", [.bytes(codeHash)])
    }

    // MARK: Checks

    /// What a write answers that found everything as it should become.
    var nothingDone: Receipt { Receipt(position: position, time: time, existed: true) }

    /// The account that somebody else names is there.
    func checkOther(_ user: UserID) throws(Failure) {
        do {
            try checkAccount(user)
        } catch .refusal {
            // Whoever names somebody else learns only that there is no such account.
            throw .refusal(.noSuchUser)
        }
    }

    /// Refuses unless all of `users` are accounts, in one statement.
    func checkOthers(_ users: Set<UserID>) throws(Failure) {
        guard !users.isEmpty else { return }
        let rows = try storing {
            try connection.rows(
                """
                SELECT count(*)
                FROM \(dialect.numbers) n
                JOIN users u ON u.id = n.number
                WHERE u.deleted_ms IS NULL
                """, [.numbers(users.map(\.rawValue))])
        }
        guard rows == [[.int(Int64(users.count))]] else { throw .refusal(.noSuchUser) }
    }
}
