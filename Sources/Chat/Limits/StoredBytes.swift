// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Logging
import Storage
import Synchronization

/// How much the messages of each account take in the store.
///
/// Counted in memory and written every few seconds, so that a message costs nothing more: after a crash the last seconds are not
/// counted, and servers that share a store learn of each other's part when they write theirs.
final class StoredBytes: Sendable {
    private static let savePause = Duration.seconds(5)
    /// How many accounts are remembered; who is forgotten is read again.
    private static let capacity = 100_000

    private struct State {
        /// What the store said, and what was added here since.
        var known = RecentlyUsed<UserID, Int64>(capacity: StoredBytes.capacity)
        var unsaved: [UserID: Int64] = [:]
    }

    private let storage: Storage
    private let logger: Logger
    private let state = Mutex(State())
    private let ends: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init(storage: Storage, logger: Logger) {
        self.storage = storage
        self.logger = logger
        (ends, continuation) = AsyncStream.makeStream(of: Void.self)
    }

    /// What an account has stored; `nil` when it must be read first.
    func known(_ user: UserID) -> Int64? {
        state.withLock { $0.known.value(for: user) }
    }

    /// Reads what an account has stored.
    func load(_ user: UserID) async throws(StorageError) -> Int64 {
        let stored = try await storage.storedBytes(of: user)
        return state.withLock { state in
            if let known = state.known.peek(user) { return known }
            let sum = max(0, stored + (state.unsaved[user] ?? 0))
            state.known.set(sum, for: user)
            return sum
        }
    }

    /// Counts what an account stores, or, below 0, gives back.
    func add(_ bytes: Int64, of user: UserID) {
        state.withLock { state in
            _ = state.known.update(user) { $0 = max(0, $0 + bytes) }
            state.unsaved[user, default: 0] += bytes
        }
    }

    /// Writes what was counted.
    func save() async {
        let due = state.withLock { state in
            defer { state.unsaved = [:] }
            return state.unsaved
        }
        guard !due.isEmpty else { return }
        do throws(StorageError) {
            let totals = try await storage.addStoredBytes(due.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
            state.withLock { state in
                for (user, total) in totals {
                    let sum = max(0, total + (state.unsaved[user] ?? 0))
                    _ = state.known.update(user) { $0 = sum }
                }
            }
        } catch {
            logger.warning(
                "What accounts store could not be saved", metadata: ["error": "\(String(reflecting: error))"])
            for (user, bytes) in due { state.withLock { $0.unsaved[user, default: 0] += bytes } }
        }
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
