// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension SettingKey {
    /// `[RETENTION] CHAT`.
    package static let retentionChat = retention("CHAT", "chats of two")
    /// `[RETENTION] GROUP`.
    package static let retentionGroup = retention("GROUP", "groups")
    /// `[RETENTION] CHANNEL`.
    package static let retentionChannel = retention("CHANNEL", "channels")

    private static func retention(_ name: String, _ flows: String) -> SettingKey {
        SettingKey(
            "RETENTION", name, .duration(.days, 3600...3_153_600_000), unset: "kept for ever",
            "How long messages in \(flows) are kept; a plain number counts days. Older ones read 'Message deleted', "
                + "and what they said is gone with their files. See first what would go: 'manage message expire "
                + "--dry-run'."
        )
    }
}

extension SettingSection {
    static let retention = SettingSection(
        name: "RETENTION", summary: "How long messages are kept. A running server erases older ones, some at a time.",
        keys: [.retentionChat, .retentionGroup, .retentionChannel]
    )
}

extension Settings {
    /// `[RETENTION]`: how long messages are kept, by the type of their flow; `nil` for ever.
    package struct Retention: Sendable {
        /// In chats of two.
        package var chat: Duration?
        /// In groups.
        package var group: Duration?
        /// In channels.
        package var channel: Duration?
    }
}
