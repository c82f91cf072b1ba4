// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Gives an account limits of its own, in the text form of the domain.
    package struct SetLimits: LogWrite {
        let user: UserID
        let limits: String?

        /// `nil` takes them away.
        package init(_ user: UserID, _ limits: String?) {
            self.user = user
            self.limits = limits
        }

        package func apply(to log: inout LogTransaction) throws {
            try log.checkAccount(user)
            if let limits {
                try log.connection.execute(
                    """
                    INSERT INTO account_limits (user_id, limits) VALUES ($1, $2)
                    ON CONFLICT (user_id) DO UPDATE SET limits = $2
                    """, [SQLValue(user), .text(limits)])
            } else {
                try log.connection.execute("DELETE FROM account_limits WHERE user_id = $1", [SQLValue(user)])
            }
            // No client is told; servers read the limits again.
            log.append(.admin, of: user.rawValue)
        }
    }
}
