// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// The same password in another form, after a login: sessions stay.
    package struct UpgradePasswordHash: LogWrite {
        let user: UserID
        let hash: String
        let replaced: String?
        let challengeSecret: [UInt8]?

        /// Nothing happens if the stored hash is no longer `replacing`: the password was changed meanwhile.
        ///
        /// Without a `challengeSecret` the stored one stays.
        package init(_ user: UserID, hash: String, replacing replaced: String? = nil, challengeSecret: [UInt8]? = nil) {
            self.user = user
            self.hash = hash
            self.replaced = replaced
            self.challengeSecret = challengeSecret
        }

        package func apply(to log: inout LogTransaction) throws {
            try log.checkAccount(user)
            if let replaced {
                guard try log.isPasswordHash(replaced, of: user) else { return }
                try log.connection.execute(
                    "UPDATE admins SET hash_password = $1 WHERE user_id = $2 AND hash_password = $3",
                    [.text(hash), SQLValue(user), .text(replaced)])
            }
            try log.connection.execute(LogTransaction.passwordUpdate(user, hash))
            if let challengeSecret {
                try log.connection.execute(LogTransaction.challengeSecretUpdate(user, challengeSecret))
            }
            log.append(.session, of: user, "rehashed")
        }
    }
}
