// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging
package import Storage
import Synchronization

/// How far devices have read that have no cursor of their own: skaro's sessions, messenger's and FastChat's accounts.
///
/// A cursor moves with what the peer's TCP has acknowledged. It lives in memory and is written every few seconds, when the
/// connection ends and when the server stops: after a crash the last seconds may come twice, nothing is missed.
package final class DeviceCursors: Sendable {
    private struct Key: Hashable {
        var user: UserID
        var device: String
    }

    private static let savePause = Duration.seconds(5)

    private struct Unsaved {
        var cursors: [Key: Position] = [:]
        var seen: [SessionID: Seen] = [:]
        /// What is being written now, so not yet in the store.
        var saving: [Key: Position] = [:]
    }

    private struct Seen {
        var time: LogTime
        /// Whether the session has a connection here.
        var isHere: Bool
    }

    private let storage: Storage
    private let node: NodeIdentity
    private let logger: Logger
    private let unsaved = Mutex(Unsaved())
    private let ends: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init(storage: Storage, node: NodeIdentity, logger: Logger) {
        self.storage = storage
        self.node = node
        self.logger = logger
        (ends, continuation) = AsyncStream.makeStream(of: Void.self)
    }

    /// Notes how far a device has read; it never goes back.
    package func note(_ user: UserID, device: String, at position: Position) {
        unsaved.withLock { unsaved in
            let key = Key(user: user, device: device)
            unsaved.cursors[key] = max(unsaved.cursors[key] ?? .start, position)
        }
    }

    /// Notes that sessions have a connection here.
    package func noteSeen(_ sessions: some Sequence<SessionID>) {
        let now = storage.currentTime()
        unsaved.withLock { unsaved in
            for session in sessions { unsaved.seen[session] = Seen(time: now, isHere: true) }
        }
    }

    /// Notes that a session's last connection here is gone.
    func noteLeft(_ session: SessionID) {
        let now = storage.currentTime()
        unsaved.withLock { $0.seen[session] = Seen(time: now, isHere: false) }
    }

    /// When a session was last used, if that is not written yet.
    func lastSeen(_ session: SessionID) -> LogTime? {
        unsaved.withLock { $0.seen[session]?.time }
    }

    /// Writes what has changed.
    package func save() async {
        let due = unsaved.withLock { unsaved in
            defer { unsaved = Unsaved(saving: unsaved.cursors.merging(unsaved.saving, uniquingKeysWith: max)) }
            return unsaved
        }
        defer { unsaved.withLock { $0.saving = [:] } }
        guard !due.cursors.isEmpty || !due.seen.isEmpty else { return }
        do throws(StorageError) {
            let id = node.id
            try await storage.saveCursors(
                due.cursors.map { DeviceCursor(user: $0.key.user, device: $0.key.device, position: $0.value) },
                seen: due.seen.filter(\.value.isHere).mapValues(\.time), node: id == .unknown ? nil : id)
            try await storage.touch(due.seen.filter { !$0.value.isHere }.mapValues(\.time), node: .unknown)
        } catch {
            logger.warning("The cursors could not be saved", metadata: ["error": "\(String(reflecting: error))"])
            for (key, position) in due.cursors { note(key.user, device: key.device, at: position) }
        }
    }

    /// Where a device goes on reading: what is in memory, else what is stored.
    ///
    /// - Returns: `nil` for a device that has never been here.
    func position(of user: UserID, device: String) async throws(StorageError) -> Position? {
        let key = Key(user: user, device: device)
        let inMemory = unsaved.withLock { $0.cursors[key] ?? $0.saving[key] }
        guard let stored = try await storage.cursor(of: user, device: device) else { return inMemory }
        return max(stored, inMemory ?? .start)
    }

    /// Saves every few seconds, until `finish`.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while (try? await Task.sleep(for: Self.savePause)) != nil { await self.save() }
            }
            for await () in ends {}
            group.cancelAll()
        }
    }

    func finish() {
        continuation.finish()
    }
}
