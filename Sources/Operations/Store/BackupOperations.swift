// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A backup in the folder of the running server.
package struct BackupReport: Codable, Sendable, Equatable {
    /// Names it in that folder.
    package var name: String
    /// Of the file, compressed.
    package var bytes: Int
    /// When it was begun, as RFC 3339 writes it; `nil` when the file cannot be read.
    @Nullable package var created: String?
    /// The version of the program that made it.
    @Nullable package var program: String?
    /// Such as `sqlite`.
    @Nullable package var engine: String?

    package init(name: String, bytes: Int, created: String?, program: String?, engine: String?) {
        self.name = name
        self.bytes = bytes
        self.created = created
        self.program = program
        self.engine = engine
    }
}

/// What a running server does with the backups in its folder.
package struct BackupControl: Sendable {
    package typealias Progress = @Sendable (OperationProgress) -> Void

    /// The backups and how many are kept, the newest first.
    package var list: @Sendable () throws(OperationError) -> ListBackups.Report
    /// Makes one and reads it again.
    package var create: @Sendable (@escaping Progress) async throws(OperationError) -> CreateBackup.Report
    /// Reads one to its end.
    package var verify:
        @Sendable (_ name: String, @escaping Progress) async throws(OperationError) -> VerifyBackup.Report
    /// Where one is.
    package var find: @Sendable (_ name: String) throws(OperationError) -> DownloadBackup.Report

    package init(
        list: @escaping @Sendable () throws(OperationError) -> ListBackups.Report,
        create: @escaping @Sendable (@escaping Progress) async throws(OperationError) -> CreateBackup.Report,
        verify:
            @escaping @Sendable (_ name: String, @escaping Progress) async throws(OperationError)
            -> VerifyBackup.Report,
        find: @escaping @Sendable (_ name: String) throws(OperationError) -> DownloadBackup.Report
    ) {
        self.list = list
        self.create = create
        self.verify = verify
        self.find = find
    }
}

/// `backup.list`: the backups in the folder of the running server.
package struct ListBackups: AdminOperation {
    /// What `backup.list` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// The newest first.
        package var backups: [BackupReport]
        /// How many are kept; a new one takes the place of the oldest.
        package var keep: Int
        /// When the server makes them by itself, such as `daily 03:30`; `nil`: never.
        @Nullable package var schedule: String?

        package init(backups: [BackupReport], keep: Int, schedule: String?) {
            self.backups = backups
            self.keep = keep
            self.schedule = schedule
        }
    }

    package static let name = "backup.list"
    package static let summary = "List the backups in the server's folder, the newest first."
    package static let access = OperationActor.Scope.read
    package static let needsCurrentSchema = false

    package init() {}

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        try context.runningServer().backups.list()
    }
}

/// `backup.create`: writes a backup to the folder of the running server, and reads it again.
package struct CreateBackup: AdminOperation {
    /// What `backup.create` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// Names it in the folder.
        package var name: String
        package var bytes: Int
        package var rows: Int
        package var attachments: Int
        /// The names of older ones that were deleted.
        package var removed: [String]

        package init(name: String, bytes: Int, rows: Int, attachments: Int, removed: [String]) {
            self.name = name
            self.bytes = bytes
            self.rows = rows
            self.attachments = attachments
            self.removed = removed
        }
    }

    package static let name = "backup.create"
    package static let summary = "Write a backup to the server's folder, verify it, and delete the oldest ones."
    package static let access = OperationActor.Scope.write
    package static let isLong = true

    package init() {}

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let backups = try context.runningServer().backups
        try await context.recordNow()
        return try await context.relayingProgress { progress throws(OperationError) in
            try await backups.create(progress)
        }
    }
}

/// `backup.verify`: reads a backup in the folder of the running server to its end.
package struct VerifyBackup: AdminOperation {
    /// What `backup.verify` tells of a whole backup.
    package struct Report: Codable, Sendable, Equatable {
        /// Names it in the folder.
        package var name: String
        package var rows: Int
        package var attachments: Int

        package init(name: String, rows: Int, attachments: Int) {
            self.name = name
            self.rows = rows
            self.attachments = attachments
        }
    }

    package static let name = "backup.verify"
    package static let summary = "Read a backup to its end and compare it with its sums."
    package static let access = OperationActor.Scope.read
    package static let isLong = true
    package static let needsCurrentSchema = false

    /// The file in the folder of backups, without a path.
    package var name: String

    package init(name: String) {
        self.name = name
    }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let backups = try context.runningServer().backups
        return try await context.relayingProgress { progress throws(OperationError) in
            try await backups.verify(name, progress)
        }
    }
}

/// `backup.download`: says where a backup is, for who takes it away; it is recorded, as everything of everybody is in
/// it.
package struct DownloadBackup: AdminOperation {
    /// What `backup.download` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// The file, for this process only.
        package var path: String
        package var bytes: Int

        package init(path: String, bytes: Int) {
            self.path = path
            self.bytes = bytes
        }
    }

    package static let name = "backup.download"
    package static let summary = "Record that a backup is taken away, and say where it is."
    package static let access = OperationActor.Scope.write

    /// The file in the folder of backups, without a path.
    package var name: String

    package init(name: String) {
        self.name = name
    }

    package var target: String? { name }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let report = try context.runningServer().backups.find(name)
        try await context.recordNow()
        return report
    }
}

extension OperationContext {
    /// Does work that tells its progress from another thread; of steps that come faster than they are taken only the
    /// last counts.
    fileprivate func relayingProgress<Value: Sendable>(
        _ work: (@escaping BackupControl.Progress) async throws(OperationError) -> Value
    ) async throws(OperationError) -> Value {
        let (steps, source) = AsyncStream.makeStream(of: OperationProgress.self, bufferingPolicy: .bufferingNewest(1))
        let progress = progress
        async let relay: Void = {
            for await step in steps { await progress(step) }
        }()
        let result: Result<Value, OperationError>
        do throws(OperationError) {
            result = .success(try await work { source.yield($0) })
        } catch {
            result = .failure(error)
        }
        source.finish()
        await relay
        return try result.get()
    }
}
