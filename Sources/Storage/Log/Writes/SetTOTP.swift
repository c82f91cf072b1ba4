// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Puts a sealed secret in place of the one of an administrator's second factor.
    package struct SetTOTP: LogWrite {
        let username: String
        let secret: [UInt8]?

        /// Without a `secret` there is no second factor.
        package init(username: String, _ secret: [UInt8]?) {
            self.username = username
            self.secret = secret
        }

        package func apply(to log: inout LogTransaction) throws {
            let changed = try log.connection.execute(
                "UPDATE admins SET totp_secret = $1, totp_step = 0 WHERE username = $2",
                [SQLValue(secret), .text(username)])
            guard changed > 0 else { throw WriteRefusal.noSuchAdmin }
            log.append(.admin, of: nil, "second factor")
        }
    }
}
