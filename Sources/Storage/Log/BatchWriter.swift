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
        var waiting: [WaitingWrite] = []
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

    /// Puts a write into the next batch; `completion` is called on `executor` after the commit.
    ///
    /// Writes enter the log in the order of these calls, and so do their completions come. An executor is called once for all
    /// writes of a batch.
    ///
    /// - Returns: Whether it waits; `false` when too much does already, or the writer is closed. Then nothing is called.
    package func submit(
        _ write: Write, on executor: any TaskExecutor, completion: @escaping @Sendable (WriteOutcome) -> Void
    ) -> Bool {
        submit(write, .call(completion, on: executor))
    }

    /// Puts a write into the next batch.
    ///
    /// - Returns: The write, whose `outcome` comes after the commit; `nil` when too much waits already or the writer is closed.
    package func submit(_ write: Write) -> PendingWrite? {
        let pending = PendingWrite(write)
        return submit(write, .resolve(pending)) ? pending : nil
    }

    /// Puts a write into the next batch and waits for what becomes of it.
    ///
    /// - Returns: `nil` when too much waits already or the writer is closed.
    package func commit(_ write: Write) async -> WriteOutcome? {
        await withCheckedContinuation { continuation in
            if !submit(write, .resume(continuation)) { continuation.resume(returning: nil) }
        }
    }

    private func submit(_ write: Write, _ answer: WaitingWrite.Answer) -> Bool {
        let waiting = WaitingWrite(write: write, size: write.size, answer: answer)
        let (accepted, wakeUp) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
            guard !state.isClosed, state.waiting.count < limits.maximumWaitingWrites,
                state.waitingBytes + waiting.size <= limits.maximumWaitingBytes || state.waiting.isEmpty
            else { return (false, nil) }
            state.waiting.append(waiting)
            state.waitingBytes += waiting.size
            return (true, state.wakeUp.take())
        }
        wakeUp?.resume()
        return accepted
    }

    /// Why nothing may be acknowledged any more, if that is so: `run` has returned, or is about to.
    package var doubt: StorageError? { state.withLock { $0.doubt } }

    /// Commits batch after batch until `close`; what waits then is committed first.
    ///
    /// It runs on the engine's own thread for writing: between the queue and the commit there is no change of threads. Returns,
    /// too, when the store is in doubt.
    package func run() async {
        await withTaskExecutorPreference(storage.engine.writerExecutor) { await commitBatches() }
    }

    private func commitBatches() async {
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
            return state.wakeUp.take()
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
        WaitingWrite.answer(waiting, with: waiting.map { _ in .failed(refusal) })
    }

    private func nextBatch() -> [WaitingWrite] {
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

    private func commit(_ batch: [WaitingWrite]) async {
        do {
            let committed = try await storage.commit(batch.map(\.write))
            onCommit(committed)
            WaitingWrite.answer(batch, with: committed.outcomes)
        } catch {
            if error.code == .inDoubt { giveUp(error) }
            WaitingWrite.answer(batch, with: batch.map { _ in .failed(error) })
        }
    }
}

/// A write that waits for its batch, and how its outcome is told.
private struct WaitingWrite {
    enum Answer {
        case call(@Sendable (WriteOutcome) -> Void, on: any TaskExecutor)
        case resume(CheckedContinuation<WriteOutcome?, Never>)
        case resolve(PendingWrite)
    }

    var write: Write
    var size: Int
    var answer: Answer

    /// Tells everybody the outcome of their write; each executor in one call.
    static func answer(_ batch: [WaitingWrite], with outcomes: [WriteOutcome]) {
        typealias Call = (completion: @Sendable (WriteOutcome) -> Void, outcome: WriteOutcome)
        var places: [ObjectIdentifier: Int] = [:]
        var calls: [(executor: any TaskExecutor, calls: [Call])] = []
        for (waiting, outcome) in zip(batch, outcomes) {
            switch waiting.answer {
            case .resume(let continuation): continuation.resume(returning: outcome)
            case .resolve(let pending): pending.resolve(outcome)
            case .call(let completion, let executor):
                if let place = places[ObjectIdentifier(executor)] {
                    calls[place].calls.append((completion, outcome))
                } else {
                    places[ObjectIdentifier(executor)] = calls.count
                    calls.append((executor, [(completion, outcome)]))
                }
            }
        }
        for (executor, calls) in calls {
            Task(executorPreference: executor) { for call in calls { call.completion(call.outcome) } }
        }
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
