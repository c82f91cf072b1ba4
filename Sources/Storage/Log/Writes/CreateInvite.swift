// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Makes an invite, with which accounts can be made.
    package struct CreateInvite: LogWrite {
        let codeHash: [UInt8]
        let uses: Int64
        let expires: Timestamp?
        let note: String

        /// - Parameters:
        ///   - codeHash: 32 bytes.
        ///   - uses: How many accounts can be made with it.
        ///   - expires: `nil`: never.
        ///   - note: What it is for.
        package init(codeHash: [UInt8], uses: Int64 = 1, expires: Timestamp? = nil, note: String = "") {
            self.codeHash = codeHash
            self.uses = uses
            self.expires = expires
            self.note = note
        }

        package func apply(to log: inout LogTransaction) throws {
            let added = try log.connection.execute(
                """
                INSERT INTO invites (code_hash, created_ms, expires_ms, uses_left, used, revoked_ms, note)
                VALUES ($1, $2, $3, $4, 0, NULL, $5)
                ON CONFLICT (code_hash) DO NOTHING
                """,
                [.bytes(codeHash), SQLValue(log.time), SQLValue(expires?.milliseconds), .int(uses), .text(note)])
            if added > 0 { log.append(.invite, of: nil, "created") }
        }
    }
}
