// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension LogTransaction {
    /// Puts limits in place of an account's own; `nil` takes them away.
    mutating func setLimits(_ write: Write, _ user: UserID, _ limits: String?) throws(Failure) -> Receipt {
        try checkAccount(user)
        try storing {
            if let limits {
                try connection.execute(
                    """
                    INSERT INTO account_limits (user_id, limits) VALUES ($1, $2)
                    ON CONFLICT (user_id) DO UPDATE SET limits = $2
                    """, [SQLValue(user), .text(limits)])
            } else {
                try connection.execute("DELETE FROM account_limits WHERE user_id = $1", [SQLValue(user)])
            }
        }
        // Nobody's client is told; servers read the limits again.
        return Receipt(position: appendAccountEvent(write, .admin, subject: user.rawValue), time: time)
    }
}
