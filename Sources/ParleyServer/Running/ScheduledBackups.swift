// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import Chat
import CoreMetrics
import Logging
import ServiceLifecycle
package import Settings
import Storage

/// Makes backups when the settings say so, on one of the servers that share the store.
struct ScheduledBackups: Service {
    let chat: Chat
    let maker: BackupMaker
    let schedule: BackupSchedule
    let logger: Logger
    /// 1 while the last backup failed.
    private let failed: Meter
    /// How often it is checked whether a backup is due.
    private static let pause = Duration.seconds(20)
    /// How long it takes until a failed backup is tried again.
    private static let pauseAfterFailure = Duration.seconds(600)

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
                    do {
                        try await makeIfDue()
                    } catch is CancellationError {
                        return
                    } catch {
                        failed.set(1)
                        logger.error("The backup failed", metadata: ["error": "\(String(reflecting: error))"])
                        try await Task.sleep(for: Self.pauseAfterFailure)
                    }
                }
            }
        } catch is CancellationError {
            // The server stops.
        }
    }

    private func makeIfDue() async throws {
        let now = chat.storage.currentTime().milliseconds
        guard schedule.isDue(at: now, last: try maker.folder.newest()), try await chat.doesCommonChores() else {
            return
        }
        let made = try await maker.make(from: chat.storage)
        failed.set(0)
        logger.info(
            "A backup was made and verified",
            metadata: [
                "backup.file": "\(made.path)", "backup.bytes": "\(made.report.bytes)",
                "backup.removed": "\(made.removed.joined(separator: ", "))",
            ])
    }
}
