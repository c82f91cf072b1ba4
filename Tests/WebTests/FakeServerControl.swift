// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations
import Synchronization

/// What a panel asks of the server that it is part of, made up: a log, settings, and a folder of backups.
final class FakeServerControl: Sendable {
    struct State {
        var records: [ReadServerLog.Record] = []
        /// How often the log was read.
        var reads = 0
        var settings: [ListSettings.Setting] = []
        var backups: [BackupReport] = []
        /// What a download finds.
        var path = "/nowhere"
    }

    let state = Mutex(State())

    /// Logs a message, which every watch is shown once.
    func log(_ message: String, level: String = "INFO") {
        let record = ReadServerLog.Record(
            time: "2026-01-31T12:00:00Z", level: level, logger: "parley", module: "Transport.Listener", function: "f",
            line: 1, message: message, metadata: ["peer": "<b>192.0.2.1</b>"])
        state.withLock { $0.records.append(record) }
    }

    var control: ServerControl {
        ServerControl(
            reload: { ReloadServer.Report(isApplied: true) },
            logLevels: { SetLogLevel.Report(level: "INFO", modules: [:]) },
            setLogLevel: { _, _ in },
            readServerLog: { [self] request, _, _ in
                let records = state.withLock { state in
                    defer { state.records = [] }
                    state.reads += 1
                    return state.records
                }
                return ReadServerLog.Report(watch: request.watch ?? 7, records: records)
            },
            settings: { [self] in state.withLock { $0.settings } },
            changeSetting: { [self] (key, value, record) async throws(OperationError) in
                guard value != "bad" else { throw OperationError(.invalid, "'bad' is no <number>.") }
                try await record()
                state.withLock { state in
                    for index in state.settings.indices where state.settings[index].key == key {
                        state.settings[index].value = value
                    }
                }
                return ChangeSetting.Report(
                    change: ReloadServer.Change(key: key, outcome: .applied, value: value), kept: "/copy")
            },
            backups: BackupControl(
                list: { [self] in
                    ListBackups.Report(backups: state.withLock { $0.backups }, keep: 7, schedule: nil)
                },
                create: { [self] (progress) async throws(OperationError) in
                    progress(OperationProgress(phase: "rows", done: 1, total: 2))
                    let made = BackupReport(
                        name: "parley-1.tar.gz", bytes: 10, created: "2026-01-31T12:00:00Z", program: "0.1.0",
                        engine: "sqlite")
                    state.withLock { $0.backups.append(made) }
                    return CreateBackup.Report(name: made.name, bytes: 10, rows: 2, attachments: 0, removed: [])
                },
                verify: { (name, _) async throws(OperationError) in
                    throw OperationError(.failed, "The archive \(name) is <torn>.")
                },
                find: { [self] (name) throws(OperationError) in
                    let (path, isKnown) = state.withLock { state in
                        (state.path, state.backups.contains { $0.name == name })
                    }
                    guard isKnown else { throw OperationError(.notFound, "There is no backup '\(name)'.") }
                    return DownloadBackup.Report(path: path, bytes: 4)
                }))
    }
}
