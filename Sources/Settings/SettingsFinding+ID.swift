// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension SettingsFinding {
    /// What was found, whatever the place: a stable name, which is the heading of its section in docs/operations.md.
    package enum ID: String, Sendable, CaseIterable {
        // The settings themselves.
        case fileMissing = "settings-missing"
        case fileUnusable = "settings-unusable"
        case fileMalformed = "settings-malformed"
        case sectionUnknown = "section-unknown"
        case sectionTwice = "section-twice"
        case superuserUnused = "superuser-unused"
        case keyUnknown = "key-unknown"
        case keyTwice = "key-twice"
        case variableUnknown = "variable-unknown"
        case variableTwice = "variable-twice"
        case variableFile = "variable-file"
        case valueInvalid = "value-invalid"
        case versionsReversed = "versions-reversed"
        case frameTooLarge = "frame-too-large"
        case addressUnreachable = "address-unreachable"
        case proxyUntrusted = "proxy-untrusted"
        case secretReadable = "secret-readable"
        case clearText = "clear-text"
        case clearTextOff = "clear-text-off"
        case metricsOpen = "metrics-open"
        // What they name.
        case logFolder = "log-folder"
        case logTemplate = "log-template"
        case socketFolder = "socket-folder"
        case socketPath = "socket-path"
        // The database.
        case databaseInMemory = "database-in-memory"
        case databaseMissing = "database-missing"
        case databaseUnreadable = "database-unreadable"
        case databaseFolder = "database-folder"
        case databaseForeign = "database-foreign"
        case databaseReadOnly = "database-read-only"
        case databaseEmpty = "database-empty"
        case databaseOld = "database-old"
        case databaseNewer = "database-newer"
        case databaseCopying = "database-copying"
        case databaseHalfMigrated = "database-half-migrated"
        case databaseUndurable = "database-undurable"
        case databaseUnusable = "database-unusable"
        case clockBehind = "clock-behind"
        // Backups.
        case backupFolder = "backup-folder"
        case backupMissing = "backup-missing"
        case backupOverdue = "backup-overdue"
        // The key file.
        case keyFileUnusable = "key-file-unusable"
        case keyFileMissing = "key-file-missing"
        case keyFileOther = "key-file-other"
        // Servers and ports.
        case serversShareName = "servers-share-name"
        case serverSilent = "server-silent"
        case portTaken = "port-taken"
        case portShared = "port-shared"
        case portForbidden = "port-forbidden"
        case portAddress = "port-address"
        case portUnusable = "port-unusable"
        // TLS.
        case tlsIncomplete = "tls-incomplete"
        case tlsUnusable = "tls-unusable"
        case tlsKeyOpen = "tls-key-open"
        case certificateName = "certificate-name"
        case certificateExpired = "certificate-expired"
        case certificateEnding = "certificate-ending"
        case certificateEarly = "certificate-early"
        // The machine.
        case diskUnknown = "disk-unknown"
        case diskFull = "disk-full"
        case fewFiles = "few-files"

        /// Where people read what it means; on a machine with the package `docs` is `/usr/share/doc/parley`.
        package var section: String { Self.section(of: rawValue) }

        /// The same for an ID that this version may not know.
        package static func section(of id: String) -> String { "docs/operations.md#\(id)" }
    }
}
