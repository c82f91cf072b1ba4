// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// How often accounts and addresses may do something, and how much accounts may have.

extension SettingKey {
    /// `[RATE_LIMIT] ENABLED`.
    package static let rateLimitEnabled = SettingKey(
        "RATE_LIMIT", "ENABLED", .boolean, default: "on",
        "Whether requests that come too often, and accounts that store too much, are refused. Refused requests are "
            + "answered in the words of their protocol, such as 429. 'manage user limits' gives an account its own."
    )
    /// `[RATE_LIMIT] WRITES`.
    package static let rateWrites = rate(
        "WRITES", "600/m burst 600", "Messages, edits, deletions, new flows, members and contacts of one account.")
    /// `[RATE_LIMIT] READS`.
    package static let rateReads = rate(
        "READS", "50/s burst 2000",
        "Requests of one account for messages, flows, people and updates. Pushes do not count.")
    /// `[RATE_LIMIT] LOGINS`.
    package static let rateLogins = rate(
        "LOGINS", "60/m burst 60",
        "Successful logins of one account. Wrong passwords are slowed down for each account and address apart from "
            + "this."
    )
    /// `[RATE_LIMIT] PROFILE_CHANGES`.
    package static let rateProfileChanges = rate(
        "PROFILE_CHANGES", "30/m burst 60", "Changes of name, picture and the like by one account.")
    /// `[RATE_LIMIT] ADDRESS_WRITES`.
    package static let rateAddressWrites = addressRate("ADDRESS_WRITES", "100/s burst 6000", "Writes of all accounts")
    /// `[RATE_LIMIT] ADDRESS_READS`.
    package static let rateAddressReads = addressRate("ADDRESS_READS", "500/s burst 20000", "Reads of all accounts")
    /// `[RATE_LIMIT] ADDRESS_REGISTRATIONS`.
    package static let rateAddressRegistrations = addressRate(
        "ADDRESS_REGISTRATIONS", "200/h burst 200", "New accounts")
    /// `[RATE_LIMIT] ADDRESS_LOGINS`.
    package static let rateAddressLogins = addressRate(
        "ADDRESS_LOGINS", "10/s burst 600", "Logins, whether they succeed or not,")
    /// `[RATE_LIMIT] ADDRESS_PROFILE_CHANGES`.
    package static let rateAddressProfileChanges = addressRate(
        "ADDRESS_PROFILE_CHANGES", "300/m burst 600", "Changes of profiles of all accounts")
    /// `[RATE_LIMIT] FLOWS`.
    package static let quotaFlows = SettingKey(
        "RATE_LIMIT", "FLOWS", .integer(1...1_000_000_000), default: "1000",
        "How many groups and channels one account may own. Chats of two do not count."
    )
    /// `[RATE_LIMIT] PUBLIC_FLOWS`.
    package static let quotaPublicFlows = SettingKey(
        "RATE_LIMIT", "PUBLIC_FLOWS", .integer(1...1_000_000_000), default: "100",
        "How many of them may be public. Every account reads those, so each makes the updates of everybody a little "
            + "slower."
    )
    /// `[RATE_LIMIT] BYTES`.
    package static let quotaBytes = SettingKey(
        "RATE_LIMIT", "BYTES", .size(1024...1_125_899_906_842_624), default: "10 GiB",
        "How much the messages of one account may take in the store, with their files. Deleted ones give their part "
            + "back."
    )

    private static func rate(_ name: String, _ standard: String, _ summary: String) -> SettingKey {
        SettingKey("RATE_LIMIT", name, .rate, default: standard, summary)
    }

    private static func addressRate(_ name: String, _ standard: String, _ what: String) -> SettingKey {
        rate(
            name, standard,
            "\(what) from one address, of version 6 from one /64 network. Addresses of this machine do not count.")
    }
}

extension SettingSection {
    static let rates = SettingSection(
        name: "RATE_LIMIT",
        summary:
            "How often an account or an address may do something, and how much an account may have. People, bots and "
            + "offices behind one address do not meet the defaults.",
        keys: [
            .rateLimitEnabled, .rateWrites, .rateReads, .rateLogins, .rateProfileChanges, .rateAddressWrites,
            .rateAddressReads, .rateAddressRegistrations, .rateAddressLogins, .rateAddressProfileChanges, .quotaFlows,
            .quotaPublicFlows, .quotaBytes,
        ]
    )
}
