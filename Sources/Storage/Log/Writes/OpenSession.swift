// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Opens a session of an account.
    package struct OpenSession: LogWrite {
        let user: UserID
        let session: NewSession
        let verified: String?

        /// `verified` is the password hash that the login was checked against: refused if it is another one by now.
        package init(_ user: UserID, _ session: NewSession, verified: String? = nil) {
            self.user = user
            self.session = session
            self.verified = verified
        }

        package func apply(to log: inout LogTransaction) throws -> SessionID {
            try log.checkAccount(user)
            if let verified, try !log.isPasswordHash(verified, of: user) { throw WriteRefusal.passwordChanged }
            let id = try log.insert(session, of: user)
            log.append(.session, of: user.rawValue, content: LogEvent.sessionOpened)
            return id
        }
    }
}

package struct NewSession: Sendable {
    /// 32 bytes.
    package var tokenHash: [UInt8]
    package var `protocol`: String
    package var address: String
    package var lifetimeSeconds: Int64
    package var node: NodeID
    /// What the client calls itself.
    package var device: String
    /// It cannot be resumed: it ends with its connection.
    package var endsWithConnection: Bool

    package init(
        tokenHash: [UInt8], protocol: String, address: String, lifetimeSeconds: Int64, node: NodeID = .unknown,
        device: String = "", endsWithConnection: Bool = false
    ) {
        self.tokenHash = tokenHash
        self.protocol = `protocol`
        self.address = address
        self.lifetimeSeconds = lifetimeSeconds
        self.node = node
        self.device = device
        self.endsWithConnection = endsWithConnection
    }
}

extension LogTransaction {
    /// Makes the row of a session.
    mutating func insert(_ session: NewSession, of user: UserID) throws(StorageError) -> SessionID {
        let id = nextSession()
        try connection.execute(
            """
            INSERT INTO sessions (id, user_id, token_hash, protocol, address, created_ms, last_seen_ms, expires_ms,
                node, device, ends_with_connection)
            VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10)
            """,
            [
                .int(id.rawValue), SQLValue(user), .bytes(session.tokenHash), .text(session.protocol),
                .text(session.address), SQLValue(time), SQLValue(time.adding(seconds: session.lifetimeSeconds)),
                .int(session.node.rawValue), .text(session.device), SQLValue(session.endsWithConnection),
            ])
        return id
    }
}
