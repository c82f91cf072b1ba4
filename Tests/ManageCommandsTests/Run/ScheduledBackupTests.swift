// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Glibc
import Logging
import Settings
import Telemetry
import Testing

@testable import Chat
@testable import ManageCommands
@testable import ParleyServer
@testable import Storage

/// Backups that the server makes by itself, and what is said of those that fail.
struct ScheduledBackupTests {
    private let run: CommandRun
    private let settings: Settings
    private let metrics = MetricRegistry()

    init() throws {
        run = try CommandRun()
        settings = try Settings.load(
            file: nil, environment: ["PARLEY_BACKUP_SCHEDULE": "every 6h", "PARLEY_BACKUP_FOLDER": "copies"],
            overrides: [:], currentFolder: run.folder)
    }

    /// Whether the metric says that the last backup failed.
    private var hasFailed: Bool {
        let text = MetricText.text(of: metrics.samples, .openMetrics)
        return text.contains("\nparley_backup_failed 1\n")
    }

    private func found(hoursFromNow hours: Int = 0) -> [SettingsFinding.ID] {
        BackupCheck.examine(settings, now: time(nil) + hours * 3600).findings.map(\.id)
    }

    /// Runs `body` as the one server of a store, with a file where the folder of backups should be.
    private func withBrokenFolder(_ body: (ScheduledBackups, ChatUnderTest) async throws -> Void) async throws {
        let node = NodeIdentity()
        var policy = ChatPolicy()
        policy.node = node
        try await ChatUnderTest.with(policy: policy) { test in
            node.id = try await test.storage.registerNode(NewNode(name: "one", address: ""))
            try run.write("in the way", to: "copies")
            let backups = ScheduledBackups(
                chat: test.chat, maker: BackupMaker(settings, version: "1"),
                schedule: try #require(settings.backup.schedule), metrics: metrics,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await body(backups, test)
        }
    }

    @Test func failureIsSaidUntilTheNextBackupSucceeds() async throws {
        try await withBrokenFolder { backups, test in
            #expect(!hasFailed)
            try await backups.check()
            #expect(hasFailed && found() == [.backupFolder])

            // It is tried again after ten minutes.
            #expect(unlink(run.path("copies")) == 0)
            try await backups.check()
            #expect(hasFailed && found() == [.backupMissing])
            #expect(!run.names().contains("copies"))
            test.wallClock.advance(milliseconds: ScheduledBackups.pauseAfterFailure)
            try await test.storage.keepAlive(test.chat.policy.node.id)
            try await backups.check()

            #expect(!hasFailed && found() == [])
            #expect(found(hoursFromNow: 6) == [])
            #expect(found(hoursFromNow: 8) == [.backupOverdue])
        }
    }

    @Test func backupThatAnAdministratorMadeEndsAFailure() async throws {
        try await withBrokenFolder { backups, test in
            try await backups.check()
            #expect(hasFailed)
            #expect(unlink(run.path("copies")) == 0)
            _ = try await backups.maker.make(from: test.storage)

            try await backups.check()

            #expect(!hasFailed)
        }
    }
}
