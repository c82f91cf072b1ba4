// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Logging
import Storage
import Synchronization

/// How much the messages of each account take in the store.
///
/// Counted in memory and written every few seconds, so that a message costs nothing more: after a crash the last
/// seconds are not counted, and servers that share a store learn of each other's part when they write theirs.
final class StoredBytes: Sendable {
    private static let savePause = Duration.seconds(5)
    /// How many accounts are remembered; who is forgotten is read again.
    private static let capacity = 100_000

    /// A change whose COMMIT got no answer.
    private struct Doubt {
        var user: UserID
        var bytes: Int64
        /// The sum if it was committed.
        var total: Int64
    }

    private struct State {
        /// What the store said, and what was added here since.
        var known = RecentlyUsed<UserID, Int64>(capacity: StoredBytes.capacity)
        var unsaved: [UserID: Int64] = [:]
        /// All of one transaction.
        var doubtful: [Doubt] = []
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
        do throws(StorageError) {
            try await settleDoubts()
            try await saveCounted()
        } catch {
            logger.warning(
                "What accounts store could not be saved", metadata: ["error": "\(String(reflecting: error))"])
        }
    }

    private func saveCounted() async throws(StorageError) {
        let due = state.withLock { state in
            defer { state.unsaved = [:] }
            let changed = state.unsaved.filter { $0.value != 0 }.sorted { $0.key < $1.key }
            return changed.map { (user: $0.key, bytes: $0.value) }
        }
        guard !due.isEmpty else { return }
        let intended = Mutex<[(user: UserID, bytes: Int64)]>([])
        do throws(StorageError) {
            learn(try await storage.addStoredBytes(due) { totals in intended.withLock { $0 = totals } })
        } catch {
            switch error.code {
            case .commitUnknown, .inDoubt:
                let totals = intended.withLock { $0 }
                state.withLock { state in
                    state.doubtful = zip(due, totals).map { Doubt(user: $0.user, bytes: $0.bytes, total: $1.bytes) }
                }
            default: putBack(due)
            }
            throw error
        }
    }

    /// Finds out whether a change is in the store: adding it twice would take room from people.
    private func settleDoubts() async throws(StorageError) {
        let doubts = state.withLock { state in
            defer { state.doubtful = [] }
            return state.doubtful
        }
        guard !doubts.isEmpty else { return }
        do throws(StorageError) {
            // Adding nothing waits for a COMMIT that is still on its way.
            let totals = try await storage.addStoredBytes(doubts.map { ($0.user, 0) })
            // It was whole or nothing: one account that stands where it stood tells for all.
            if zip(doubts, totals).contains(where: { $1.bytes == $0.total - $0.bytes }) {
                putBack(doubts.map { ($0.user, $0.bytes) })
            }
            learn(totals)
        } catch {
            state.withLock { $0.doubtful = doubts }
            throw error
        }
    }

    private func putBack(_ changes: [(user: UserID, bytes: Int64)]) {
        state.withLock { state in for (user, bytes) in changes { state.unsaved[user, default: 0] += bytes } }
    }

    /// Takes over what the store says, where servers that share it have added their parts.
    private func learn(_ totals: [(user: UserID, bytes: Int64)]) {
        state.withLock { state in
            for (user, total) in totals {
                let sum = max(0, total + (state.unsaved[user] ?? 0))
                _ = state.known.update(user) { $0 = sum }
            }
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
