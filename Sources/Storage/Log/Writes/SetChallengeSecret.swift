// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Stores what skaro's challenge needs, for a password that was seen to be right.
    package struct SetChallengeSecret: LogWrite {
        let user: UserID
        let secret: [UInt8]
        let verified: String?

        /// Nothing happens if the stored hash is no longer `verified`, against which the password was checked.
        package init(_ user: UserID, _ secret: [UInt8], verified: String? = nil) {
            self.user = user
            self.secret = secret
            self.verified = verified
        }

        package func apply(to log: inout LogTransaction) throws {
            try log.checkAccount(user)
            if let verified, try !log.isPasswordHash(verified, of: user) { return }
            try log.connection.execute(LogTransaction.challengeSecretUpdate(user, secret))
            log.append(.session, of: user, "resealed")
        }
    }
}
