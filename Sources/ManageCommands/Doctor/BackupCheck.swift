// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Settings
import Storage

/// The check `backup`: the server can write the backups of its schedule, and did.
enum BackupCheck {
    /// Looks at the folder of backups; `now` is in seconds since 1970.
    static func examine(_ settings: Settings, now: Int) -> DoctorCheck {
        guard let schedule = settings.backup.schedule else {
            return DoctorCheck(.backup, "The server makes no backups by itself.")
        }
        let folder = settings.backup.folder
        let text = settings.text(of: .backupSchedule) ?? ""
        guard SettingsSurroundings.isWritableFolder(folder) else {
            return DoctorCheck(
                .backup, "Backups cannot be made.",
                findings: [
                    SettingsFinding(
                        .backupFolder, .error, key: SettingKey.backupFolder.path,
                        message: "The folder of backups '\(folder)' cannot be written to.",
                        remedy:
                            "Make it writable for the user who runs the server, or set BACKUP.FOLDER to another one.")
                ])
        }
        let time = Timestamp(milliseconds: Int64(now) * 1000)
        guard let newest = try? BackupFolder(path: folder).newest(now: time) else {
            return DoctorCheck(
                .backup, "There is no backup yet.",
                findings: [
                    SettingsFinding(
                        .backupMissing, .note, key: SettingKey.backupSchedule.path,
                        message: "There is no backup in '\(folder)' yet, and one is due \(text).",
                        remedy: "A server makes the first one when it starts; its log says why that failed.")
                ])
        }
        let hours = max(0, now - Int(newest / 1000)) / 3600
        var findings: [SettingsFinding] = []
        if schedule.isOverdue(at: time.milliseconds, last: newest) {
            findings.append(
                SettingsFinding(
                    .backupOverdue, .warning, key: SettingKey.backupSchedule.path,
                    message: "The newest backup is \(hours) hours old, and one is due \(text).",
                    remedy:
                        "Check that a server is running and that its disk has room: its log says why a backup failed."))
        }
        return DoctorCheck(.backup, "The newest backup is \(hours) hours old.", findings: findings)
    }
}
