// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension SettingKey {
    /// `[BACKUP] SCHEDULE`.
    package static let backupSchedule = SettingKey(
        "BACKUP", "SCHEDULE", .schedule, unset: "no backups by themselves",
        "When the running server makes a backup. One that was missed is made up for at the next start. With several "
            + "servers on one database one of them does it."
    )
    /// `[BACKUP] KEEP`.
    package static let backupKeep = SettingKey(
        "BACKUP", "KEEP", .integer(1...10_000), default: "7",
        "How many backups stay in the folder. Older ones are deleted after a newer one was made and verified; files "
            + "with other names are never deleted."
    )
    /// `[BACKUP] FOLDER`.
    package static let backupFolder = SettingKey(
        "BACKUP", "FOLDER", .path, default: "backup",
        "Where backups are written. The folder is created with mode 0700 when it is missing. Another disk survives "
            + "more."
    )
}

extension SettingSection {
    static let backup = SettingSection(
        name: "BACKUP", summary: "Backups of everything in the database; see 'manage db backup'.",
        keys: [.backupSchedule, .backupKeep, .backupFolder]
    )
}

extension Settings {
    /// `[BACKUP]`: what the running server does by itself, and where.
    package struct Backup: Sendable {
        /// When; `nil` for never.
        package var schedule: BackupSchedule?
        /// How many stay.
        package var keep: Int
        /// Where they are.
        package var folder: String
    }
}
