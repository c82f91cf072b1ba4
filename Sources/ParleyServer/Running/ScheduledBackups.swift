// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import Chat
import CoreMetrics
import Logging
import ServiceLifecycle
import Settings
import Storage
import Synchronization

/// Makes backups when the settings say so, on one of the servers that share the store.
final class ScheduledBackups: Service {
    let chat: Chat
    let maker: BackupMaker
    let schedule: BackupSchedule
    let logger: Logger
    /// 1 while the last backup failed.
    private let failed: Meter
    /// When it failed, in milliseconds since 1970.
    private let failure = Mutex<Int64?>(nil)
    /// How often it is checked whether a backup is due.
    private static let pause = Duration.seconds(20)
    /// How long it takes until a failed backup is tried again.
    static let pauseAfterFailure: Int64 = 600_000

    init(
        chat: Chat, maker: BackupMaker, schedule: BackupSchedule, metrics: any MetricsFactory, logger: Logger
    ) {
        self.chat = chat
        self.maker = maker
        self.schedule = schedule
        self.logger = logger
        failed = Meter(label: "parley_backup_failed", dimensions: [], factory: metrics)
        failed.set(0)
    }

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                while !Task.isCancelled {
                    try await Task.sleep(for: Self.pause)
                    try await self.check()
                }
            }
        } catch is CancellationError {
            // The server stops.
        }
    }

    /// Makes a backup when one is due, and notes whether the last one failed; a failure is tried again after a while.
    ///
    /// - Throws: `CancellationError`.
    func check() async throws {
        let time = chat.storage.currentTime()
        let now = time.milliseconds
        do {
            let last = try maker.folder.newest(now: time)
            guard schedule.isDue(at: now, last: last) else { return note(failure: nil) }
            guard !hasJustFailed(at: now) else { return }
            guard try await chat.doesCommonChores() else { return }
            try await make()
            note(failure: nil)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            if Task.isCancelled { throw CancellationError() }
            // A folder that cannot be read is found at each check.
            guard !hasJustFailed(at: now) else { return }
            logger.error("The backup failed", metadata: ["error": "\(String(reflecting: error))"])
            note(failure: chat.storage.currentTime().milliseconds)
        }
    }

    private func hasJustFailed(at now: Int64) -> Bool {
        failure.withLock { last in last.map { (0..<Self.pauseAfterFailure).contains(now - $0) } ?? false }
    }

    /// A backup that was made since in another way ends a failure, too.
    private func note(failure time: Int64?) {
        failure.withLock { $0 = time }
        failed.set(time == nil ? 0 : 1)
    }

    private func make() async throws {
        let made = try await maker.make(from: chat.storage)
        logger.info(
            "A backup was made and verified",
            metadata: [
                "backup.file": "\(made.path)", "backup.bytes": "\(made.report.bytes)",
                "backup.removed": "\(made.removed.joined(separator: ", "))",
            ])
    }
}
