// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
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

    private func found(hoursFromNow hours: Int = 0, now: Int = time(nil)) -> [SettingsFinding.ID] {
        BackupCheck.examine(settings, now: now + hours * 3600).findings.map(\.id)
    }

    /// Runs `body` as the one server of a store.
    private func withBackups(_ body: (ScheduledBackups, ChatUnderTest) async throws -> Void) async throws {
        let node = NodeIdentity()
        var policy = ChatPolicy()
        policy.node = node
        try await ChatUnderTest.with(policy: policy) { test in
            node.id = try await test.storage.registerNode(NewNode(name: "one", address: ""))
            let backups = ScheduledBackups(
                chat: test.chat, maker: BackupMaker(settings, version: "1"),
                schedule: try #require(settings.backup.schedule), metrics: metrics,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await body(backups, test)
        }
    }

    /// The same with a file where the folder of backups should be.
    private func withBrokenFolder(_ body: (ScheduledBackups, ChatUnderTest) async throws -> Void) async throws {
        try run.write("in the way", to: "copies")
        try await withBackups(body)
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

    /// By the clock of this test the files are from years ahead, too: their names count.
    @Test func backupFromTheFutureIsNoneForScheduleAndDoctor() async throws {
        try await withBackups { backups, test in
            let now = Int(test.wallClock.now.seconds)
            func check() async throws -> [String] {
                try await test.storage.keepAlive(test.chat.policy.node.id)
                try await backups.check()
                return Array(try backups.maker.folder.entries().map(\.name))
            }
            try backups.maker.folder.create()
            let ahead = "parley-20240101-000000.tar.gz"
            try run.write("ahead", to: "copies/\(ahead)")
            #expect(found(now: now) == [.backupMissing])

            let first = "parley-20231114-221320.tar.gz"
            #expect(try await check() == [first, ahead])
            #expect(try await check() == [first, ahead])
            #expect(found(hoursFromNow: 6, now: now) == [])
            #expect(found(hoursFromNow: 8, now: now) == [.backupOverdue])

            test.wallClock.advance(milliseconds: 6 * 3_600_000)
            #expect(try await check() == [first, "parley-20231115-041320.tar.gz", ahead])
            #expect(!hasFailed && found(hoursFromNow: 12, now: now) == [])
        }
    }
}
