// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Settings

/// What the machine has to give: space on its disks, and open files.
enum SystemChecks {
    /// Below this much free space something will soon fail.
    static let fewBytes: UInt64 = 1 << 30
    /// Below this much free space something fails now.
    static let tooFewBytes: UInt64 = 100 << 20
    /// Every connection is an open file.
    static let fewFiles: UInt64 = 4096

    /// What a disk has left.
    struct DiskSpace: Equatable, Sendable {
        var freeBytes: UInt64
        /// `nil` where files are not counted.
        var freeFiles: UInt64?
    }

    // MARK: Disk

    /// The check `disk`: the folders of database, log and backups.
    static func disk(_ settings: Settings) -> DoctorCheck {
        var folders = [("log", settings.logging.folder)]
        if case .sqlite(let path) = settings.database.location {
            folders.insert(("database", SettingsFile(path: path, choice: .option).folder), at: 0)
        }
        if settings.backup.schedule != nil { folders.append(("backups", settings.backup.folder)) }
        var findings: [SettingsFinding] = []
        var parts: [String] = []
        for (what, folder) in folders {
            guard let (nearest, space) = space(nearest: folder) else {
                findings.append(
                    SettingsFinding(
                        .diskUnknown, .warning,
                        message: "The free space of the \(what) folder '\(folder)' cannot be found out.",
                        remedy: "Check that the folder exists and that this user may look into it."))
                continue
            }
            parts.append("\(text(space.freeBytes)) free for the \(what) in \(nearest)")
            findings += self.findings(for: space, of: what, in: nearest)
        }
        return DoctorCheck(.disk, parts.isEmpty ? "Unknown." : parts.joined(separator: ", ") + ".", findings: findings)
    }

    /// What the space on a disk means.
    static func findings(for space: DiskSpace, of what: String, in folder: String) -> [SettingsFinding] {
        let remedy = "Free some space, or move the \(what) to a larger disk."
        if space.freeBytes < fewBytes {
            let severity: SettingsFinding.Severity = space.freeBytes < tooFewBytes ? .error : .warning
            return [
                SettingsFinding(
                    .diskFull, severity,
                    message: "Only \(text(space.freeBytes)) are free on the disk of '\(folder)'.",
                    remedy: remedy)
            ]
        }
        guard let files = space.freeFiles, files < 1000 else { return [] }
        return [
            SettingsFinding(
                .diskFull, .warning,
                message: "Only \(files) more files can be made on the disk of '\(folder)'.", remedy: remedy)
        ]
    }

    /// The space where a folder is or will be.
    private static func space(nearest folder: String) -> (folder: String, space: DiskSpace)? {
        var folder = folder
        var status = statvfs()
        while statvfs(folder, &status) != 0 {
            guard errno == ENOENT || errno == ENOTDIR, folder != "/" else { return nil }
            folder = SettingsFile(path: folder, choice: .option).folder
        }
        let bytes = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return (
            folder,
            DiskSpace(
                freeBytes: bytes.overflow ? .max : bytes.partialValue,
                freeFiles: status.f_files == 0 ? nil : UInt64(status.f_favail))
        )
    }

    static func text(_ bytes: UInt64) -> String {
        bytes >= 10 << 30 ? "\(bytes >> 30) GiB" : "\(bytes >> 20) MiB"
    }

    // MARK: Open files

    /// The check `files`: how many files a process of this user may open.
    static func openFiles() -> DoctorCheck {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return DoctorCheck(.files, "The limit of open files is unknown.")
        }
        return openFiles(soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
    }

    /// What the limits mean: the server raises its own soft limit to the hard one, up to 1,048,576.
    static func openFiles(soft: UInt64, hard: UInt64) -> DoctorCheck {
        let limit = max(soft, min(hard, 1 << 20))
        var findings: [SettingsFinding] = []
        if limit < fewFiles {
            findings.append(
                SettingsFinding(
                    .fewFiles, .warning,
                    message: "The server may open only \(limit) files, and every connection is one.",
                    remedy: "Raise the hard limit in /etc/security/limits.conf, or set LimitNOFILE=1048576 in the "
                        + "server's unit."))
        }
        return DoctorCheck(.files, "The server can have up to \(limit) files open.", findings: findings)
    }
}
