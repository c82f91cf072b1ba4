// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Gathers the writes of all connections that wait, commits them in one transaction, and answers all of them: group commit.
///
/// While one batch is being committed the next one gathers, so batches grow with the load and a lone write waits for nobody.
package final class BatchWriter: Sendable {
    /// How much one transaction may hold.
    package struct Limits: Sendable {
        package var maximumBatchWrites = 1024
        package var maximumBatchBytes = 4 << 20
        /// Writes waiting before new ones are refused.
        package var maximumWaitingWrites = 16_384
        package var maximumWaitingBytes = 64 << 20
        package init() {}
    }

    private struct State {
        var waiting: [PendingWrite] = []
        var waitingBytes = 0
        var wakeUp: CheckedContinuation<Void, Never>?
        var isClosed = false
        var doubt: StorageError?
    }

    private let storage: Storage
    private let limits: Limits
    private let onCommit: @Sendable (CommittedBatch) -> Void
    private let state = Mutex(State())

    /// Makes a writer; `run` does its work.
    ///
    /// `onCommit` is called after each commit, before its writes are answered, batch after batch.
    package init(
        storage: Storage, limits: Limits = Limits(), onCommit: @escaping @Sendable (CommittedBatch) -> Void
    ) {
        self.storage = storage
        self.limits = limits
        self.onCommit = onCommit
    }

    /// How many writes wait for their batch.
    package var waitingWrites: Int { state.withLock { $0.waiting.count } }

    /// Puts a write into the next batch.
    ///
    /// Writes enter the log in the order of these calls.
    ///
    /// - Returns: The write, whose `outcome` comes after the commit; `nil` when too much waits already or the writer is closed.
    package func submit(_ write: Write) -> PendingWrite? {
        let pending = PendingWrite(write)
        let (accepted, wakeUp) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
            guard !state.isClosed, state.waiting.count < limits.maximumWaitingWrites,
                state.waitingBytes + pending.size <= limits.maximumWaitingBytes || state.waiting.isEmpty
            else { return (false, nil) }
            state.waiting.append(pending)
            state.waitingBytes += pending.size
            defer { state.wakeUp = nil }
            return (true, state.wakeUp)
        }
        wakeUp?.resume()
        return accepted ? pending : nil
    }

    /// Why nothing may be acknowledged any more, if that is so: `run` has returned, or is about to.
    package var doubt: StorageError? { state.withLock { $0.doubt } }

    /// Commits batch after batch until `close`; what waits then is committed first.
    ///
    /// Returns, too, when the store is in doubt.
    package func run() async {
        while true {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state in
                    if !state.waiting.isEmpty || state.isClosed { return true }
                    state.wakeUp = continuation
                    return false
                }
                if ready { continuation.resume() }
            }
            let batch = nextBatch()
            if batch.isEmpty { return }
            await commit(batch)
        }
    }

    /// Refuses new writes and lets `run` return when the last batch is committed.
    package func close() {
        let wakeUp = state.withLock { state in
            state.isClosed = true
            defer { state.wakeUp = nil }
            return state.wakeUp
        }
        wakeUp?.resume()
    }

    /// Refuses what waits and what comes, since nothing may be acknowledged on a store in doubt.
    package func giveUp(_ doubt: StorageError) {
        let (waiting, wakeUp) = state.withLock { state in
            state.isClosed = true
            state.doubt = state.doubt ?? doubt
            defer { (state.waiting, state.waitingBytes, state.wakeUp) = ([], 0, nil) }
            return (state.waiting, state.wakeUp)
        }
        wakeUp?.resume()
        let refusal = StorageError(.unavailable, doubt.message, cause: doubt.cause)
        for pending in waiting { pending.resolve(.failed(refusal)) }
    }

    private func nextBatch() -> [PendingWrite] {
        state.withLock { state in
            var count = 0
            var bytes = 0
            while count < min(state.waiting.count, limits.maximumBatchWrites) {
                let size = state.waiting[count].size
                if count > 0, bytes + size > limits.maximumBatchBytes { break }
                bytes += size
                count += 1
            }
            state.waitingBytes -= bytes
            if count == state.waiting.count {
                defer { state.waiting = [] }
                return state.waiting
            }
            defer { state.waiting.removeFirst(count) }
            return Array(state.waiting.prefix(count))
        }
    }

    private func commit(_ batch: [PendingWrite]) async {
        do {
            let committed = try await storage.commit(batch.map(\.write))
            onCommit(committed)
            for (pending, outcome) in zip(batch, committed.outcomes) { pending.resolve(outcome) }
        } catch {
            if error.code == .inDoubt { giveUp(error) }
            for pending in batch { pending.resolve(.failed(error)) }
        }
    }
}

/// A write on its way into the log.
package final class PendingWrite: Sendable {
    private enum State {
        case waiting(CheckedContinuation<WriteOutcome, Never>?)
        case resolved(WriteOutcome)
    }

    package let write: Write
    /// About how many bytes it holds.
    let size: Int
    private let state = Mutex(State.waiting(nil))

    init(_ write: Write) {
        self.write = write
        size = write.size
    }

    /// What became of it, at once if that is known.
    ///
    /// For one waiting caller.
    package var outcome: WriteOutcome {
        get async {
            await withCheckedContinuation { continuation in
                let outcome = state.withLock { state -> WriteOutcome? in
                    if case .resolved(let outcome) = state { return outcome }
                    state = .waiting(continuation)
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        }
    }

    /// The outcome if it is known already.
    package var outcomeIfKnown: WriteOutcome? {
        state.withLock { state in if case .resolved(let outcome) = state { outcome } else { nil } }
    }

    func resolve(_ outcome: WriteOutcome) {
        let continuation = state.withLock { state -> CheckedContinuation<WriteOutcome, Never>? in
            defer { state = .resolved(outcome) }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        continuation?.resume(returning: outcome)
    }
}

extension Write {
    /// About how many bytes of memory the write holds: its content and attachments, and a lump for the rest.
    var size: Int {
        switch action {
        case .sendMessage(_, let content, let blobs, let bodies):
            512 + content.count + blobs.reduce(0) { $0 + ($1.bytes?.count ?? 0) + 128 }
                + bodies.reduce(0) { $0 + $1.body.count + $1.key.count + 128 }
        case .editMessage(_, _, let content, let blobs):
            512 + content.count + blobs.reduce(0) { $0 + ($1.bytes?.count ?? 0) }
        default: 4096
        }
    }
}
