// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Bounds

extension Settings {
    /// `[RATE_LIMIT]`; `nil` rates are off.
    package struct RateLimit: Sendable {
        /// Whether anything of it applies.
        package var isEnabled: Bool
        /// Of one account.
        package var writes: Rate?
        /// Of one account.
        package var reads: Rate?
        /// Of one account.
        package var logins: Rate?
        /// Of one account.
        package var profileChanges: Rate?
        /// From one address.
        package var addressWrites: Rate?
        /// From one address.
        package var addressReads: Rate?
        /// From one address.
        package var addressRegistrations: Rate?
        /// From one address.
        package var addressLogins: Rate?
        /// From one address.
        package var addressProfileChanges: Rate?
        /// Groups and channels that one account may own.
        package var flows: Int
        /// How many of them may be public.
        package var publicFlows: Int
        /// What the messages of one account may take in the store, in bytes.
        package var bytes: Int
    }
}

extension SettingsLoader {
    func rateLimit() -> Settings.RateLimit {
        Settings.RateLimit(
            isEnabled: boolean(.rateLimitEnabled), writes: rate(.rateWrites), reads: rate(.rateReads),
            logins: rate(.rateLogins), profileChanges: rate(.rateProfileChanges),
            addressWrites: rate(.rateAddressWrites), addressReads: rate(.rateAddressReads),
            addressRegistrations: rate(.rateAddressRegistrations), addressLogins: rate(.rateAddressLogins),
            addressProfileChanges: rate(.rateAddressProfileChanges), flows: integer(.quotaFlows),
            publicFlows: integer(.quotaPublicFlows), bytes: integer(.quotaBytes))
    }
}
