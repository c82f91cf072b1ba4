// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging
package import Storage
import Synchronization

/// How far devices have read that have no cursor of their own: skaro's sessions, messenger's and FastChat's accounts.
///
/// A cursor moves with what the peer's TCP has acknowledged. It lives in memory and is written every few seconds, when
/// a connection of the account ends and when the server stops: after a crash the last seconds may come twice, nothing
/// is missed.
package final class DeviceCursors: Sendable {
    private typealias Cursors = [UserID: [String: Position]]

    /// How long the ends of connections are gathered before they are written together.
    private static let gatherPause = Duration.milliseconds(10)

    private struct Notes {
        var cursors: Cursors = [:]
        var seen: [SessionID: Seen] = [:]
    }

    private struct State {
        var unsaved = Notes()
        /// What is being written now, so perhaps not yet in the store.
        var saving: Notes?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private struct Seen {
        var time: Timestamp
        /// Whether the session has a connection here.
        var isHere: Bool
    }

    private let storage: Storage
    private let node: NodeIdentity
    private let savePause: Duration
    private let logger: Logger
    private let state = Mutex(State())
    private let ends: AsyncStream<Void>
    private let end: AsyncStream<Void>.Continuation
    private let wakeUps: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init(storage: Storage, node: NodeIdentity, savePause: Duration = .seconds(5), logger: Logger) {
        self.storage = storage
        self.node = node
        self.savePause = savePause
        self.logger = logger
        (ends, end) = AsyncStream.makeStream(of: Void.self)
        (wakeUps, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Notes how far a device has read; it never goes back.
    package func note(_ user: UserID, device: String, at position: Position) {
        state.withLock { state in
            let known = state.unsaved.cursors[user]?[device] ?? .start
            state.unsaved.cursors[user, default: [:]][device] = max(known, position)
        }
    }

    /// Notes that sessions have a connection here.
    package func noteSeen(_ sessions: some Sequence<SessionID>) {
        let now = storage.currentTime()
        state.withLock { state in
            for session in sessions { state.unsaved.seen[session] = Seen(time: now, isHere: true) }
        }
    }

    /// Notes that a session's last connection here is gone, and has written soon how far its account's devices have
    /// read: they may go on at another server.
    func noteLeft(_ session: SessionID, of user: UserID) {
        let now = storage.currentTime()
        let isDue = state.withLock { state in
            state.unsaved.seen[session] = Seen(time: now, isHere: false)
            return state.unsaved.cursors[user] != nil
        }
        if isDue { continuation.yield() }
    }

    /// When a session was last used, if that may not be written yet.
    func lastSeen(_ session: SessionID) -> Timestamp? {
        state.withLock { ($0.unsaved.seen[session] ?? $0.saving?.seen[session])?.time }
    }

    // MARK: Writing

    /// Writes what has changed; one call after the other.
    package func save() async {
        await begin()
        defer { ended() }
        let due = state.withLock { state in
            let due = state.unsaved
            state.unsaved = Notes()
            state.saving = due
            return due
        }
        guard !due.cursors.isEmpty || !due.seen.isEmpty else { return }
        do throws(StorageError) {
            let id = node.id
            try await storage.saveCursors(
                due.cursors.flatMap { user, devices in
                    devices.map { DeviceCursor(user: user, device: $0.key, position: $0.value) }
                },
                seen: due.seen.filter(\.value.isHere).mapValues(\.time), node: id == .unknown ? nil : id,
                left: due.seen.filter { !$0.value.isHere }.mapValues(\.time))
        } catch {
            logger.warning("The cursors could not be saved", metadata: ["error": "\(String(reflecting: error))"])
            putBack(due)
        }
    }

    private func putBack(_ notes: Notes) {
        for (user, devices) in notes.cursors {
            for (device, position) in devices { note(user, device: device, at: position) }
        }
        state.withLock { $0.unsaved.seen.merge(notes.seen) { newer, _ in newer } }
    }

    private func begin() async {
        await withCheckedContinuation { continuation in
            let isFirst = state.withLock { state in
                guard state.saving != nil else {
                    state.saving = Notes()
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFirst { continuation.resume() }
        }
    }

    private func ended() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.saving = state.waiting.isEmpty ? nil : Notes()
            return state.waiting.isEmpty ? nil : state.waiting.removeFirst()
        }
        next?.resume()
    }

    // MARK: Reading

    /// Where a device goes on reading: what is in memory, else what is stored.
    ///
    /// - Returns: `nil` for a device that has never been here.
    func position(of user: UserID, device: String) async throws(StorageError) -> Position? {
        let inMemory = inMemory(user)[device]
        guard let stored = try await storage.cursor(of: user, device: device) else { return inMemory }
        return max(stored, inMemory ?? .start)
    }

    /// How far that device of an account has read which has read farthest, among those whose names begin so.
    ///
    /// - Returns: `nil` if none of them has been here.
    func farthestPosition(of user: UserID, devices prefix: String) async throws(StorageError) -> Position? {
        var known = inMemory(user)
        for cursor in try await storage.cursors(of: user) {
            known[cursor.device] = max(known[cursor.device] ?? .start, cursor.position)
        }
        return known.filter { $0.key.utf8.starts(with: prefix.utf8) }.values.max()
    }

    private func inMemory(_ user: UserID) -> [String: Position] {
        state.withLock { state in
            (state.unsaved.cursors[user] ?? [:])
                .merging(state.saving?.cursors[user] ?? [:]) { max($0, $1) }
        }
    }

    /// Saves every few seconds, when connections end, and a last time after `finish`.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while (try? await Task.sleep(for: self.savePause)) != nil { self.continuation.yield() }
            }
            group.addTask {
                for await () in self.wakeUps {
                    guard (try? await Task.sleep(for: Self.gatherPause)) != nil else { return }
                    await self.save()
                }
            }
            for await () in ends {}
            group.cancelAll()
        }
        // At once, and not after what else ends with the server: clients are on their way to another one.
        await save()
    }

    func finish() {
        end.finish()
        continuation.finish()
    }
}
