// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `db.gc`: removes what nothing refers to any more, without waiting for the server to do it.
package struct CollectGarbage: AdminOperation {
    /// What `db.gc` tells: what can be removed, or was.
    package struct Report: Codable, Sendable {
        /// Attachments that no message refers to.
        package var attachments: Int64
        package var attachmentBytes: Int64
        /// Events of deleted flows.
        package var events: Int64
        package var eventBytes: Int64
        /// Sessions that expired long ago.
        package var sessions: Int64
        /// What the database takes on the disk, before and after.
        package var bytesBefore: Int64
        package var bytesAfter: Int64
        /// What of it can be used again without growing, before and after; `nil` if the engine does not say.
        @Nullable package var freeBytesBefore: Int64?
        @Nullable package var freeBytesAfter: Int64?
        /// Whether it was only counted.
        package var isTrial: Bool
    }

    package static let name = "db.gc"
    package static let summary = "Remove what nothing refers to any more."
    package static let access = OperationActor.Scope.write
    package static let isLong = true
    /// How long a session that has expired is kept.
    private static let expiredSessionMilliseconds: Int64 = 30 * 86_400_000

    /// Whether it only counts.
    package var isTrial: Bool

    package init(isTrial: Bool = false) {
        self.isTrial = isTrial
    }

    package var onlyLooks: Bool { isTrial }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let oldest = Timestamp(milliseconds: context.chat.currentTime.milliseconds - Self.expiredSessionMilliseconds)
        let garbage = try await context.reading { try await $0.garbage(sessionsExpiredBefore: oldest) }
        let before = try await room(on: context)
        if !isTrial {
            try await context.recordNow()
            var done = 0
            while try await !context.reading({ try await $0.purgeDeletedFlows() }) {
                try context.checkCancellation()
                done += 1000
                await context.progress(
                    OperationProgress(phase: "events", done: min(done, Int(garbage.events)), total: Int(garbage.events))
                )
            }
            while try await context.reading({ try await $0.collectBlobs() }) > 0 { try context.checkCancellation() }
            while try await context.reading({ try await $0.removeSessions(expiredBefore: oldest) }) > 0 {
                try context.checkCancellation()
            }
            try await context.reading { try await $0.sweepSearchIndex(text: MessageContent.searchText) }
        }
        let after = isTrial ? before : try await room(on: context)
        return Report(
            attachments: garbage.blobs, attachmentBytes: garbage.blobBytes, events: garbage.events,
            eventBytes: garbage.eventBytes, sessions: garbage.sessions, bytesBefore: before.bytes,
            bytesAfter: after.bytes,
            freeBytesBefore: before.free, freeBytesAfter: after.free, isTrial: isTrial)
    }

    private func room(on context: OperationContext) async throws(OperationError) -> (bytes: Int64, free: Int64?) {
        let free = try await context.reading { try await $0.freeBytes() }
        return (try await context.reading { try await $0.engine.facts() }.sizeBytes, free)
    }
}
