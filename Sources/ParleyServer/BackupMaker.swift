// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Archive
package import Settings
package import Storage
import Synchronization

/// Makes the backups of a server in its folder: writes one, reads it again, then deletes what is older than wanted.
package struct BackupMaker: Sendable {
    /// A backup that was made.
    package struct Made: Sendable {
        package var path: String
        package var report: Backup.Report
        /// The names of older ones that were deleted.
        package var removed: [String]
    }

    package let folder: BackupFolder
    let keep: Int
    private let backup: Backup

    package init(_ settings: Settings, version: String) {
        folder = BackupFolder(path: settings.backup.folder)
        keep = settings.backup.keep
        backup = Backup(program: version, files: settings.filesForBackup)
    }

    /// Makes one.
    ///
    /// What `progress` throws ends the backup, as does the cancellation of the task.
    package func make(
        from storage: Storage, progress: @escaping @Sendable (ArchiveProgress) throws -> Void = { _ in }
    ) async throws -> Made {
        try folder.create()
        try folder.removeAbandoned(now: storage.currentTime())
        let path = folder.newPath(at: storage.currentTime())
        let stop = CancellationFlag()
        let report = try await withTaskCancellationHandler {
            try await ArchiveFile.write(to: path) { descriptor in
                try await backup.write(storage, to: descriptor) { step in
                    try stop.check()
                    try progress(step)
                }
            }
        } onCancel: {
            stop.set()
        }
        do {
            _ = try await withTaskCancellationHandler {
                try await Restore.verify(path) { _ in try stop.check() }
            } onCancel: {
                stop.set()
            }
        } catch {
            folder.remove(path)
            throw error
        }
        let removed = try folder.removeOld(keeping: keep, now: storage.currentTime())
        return Made(path: path, report: report, removed: removed)
    }
}

/// Whether a task was cancelled, for what runs on other threads.
final class CancellationFlag: Sendable {
    private let isSet = Atomic(false)

    func set() { isSet.store(true, ordering: .relaxed) }

    func check() throws {
        if isSet.load(ordering: .relaxed) { throw CancellationError() }
    }
}
