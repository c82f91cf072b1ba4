// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Gathers the writes of all connections that wait, commits them in one transaction, and answers all of them: group
/// commit.
///
/// While one batch is being committed the next one gathers, so batches grow with the load and a lone write does not
/// wait.
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
        var waiting = WaitingWrites()
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
    package var waitingWrites: Int { state.withLock { $0.waiting.writes.count } }

    /// Puts a message into the next batch; `completion` is called on `executor` after the commit.
    ///
    /// Writes enter the log in the order of these calls, and so do their completions come. An executor is called once
    /// for all messages of a batch.
    ///
    /// - Returns: Whether it waits; `false` when too much does already, or the writer is closed. Then nothing is
    ///   called.
    package func submit(
        _ message: Write.SendMessage, by origin: WriteOrigin, on executor: any TaskExecutor,
        completion: @escaping @Sendable (WriteOutcome<Write.SendMessage.Result>) -> Void
    ) -> Bool {
        enqueue(Write(message, by: origin), .call(completion, on: executor))
    }

    /// Puts a write into the next batch.
    ///
    /// - Returns: The write, whose `outcome` comes after the commit; `nil` when too much waits already or the writer is
    ///   closed.
    package func submit<W: LogWrite>(
        _ write: W, by origin: WriteOrigin, audit: AuditNote? = nil
    ) -> PendingWrite<W.Result>? {
        let pending = PendingWrite<W.Result>()
        let waits = enqueue(
            Write(write, by: origin, audit: audit), .resolve { pending.resolve($0.of(W.self)) })
        return waits ? pending : nil
    }

    private func enqueue(_ write: Write, _ answer: WaitingWrites.Answer) -> Bool {
        let size = write.size
        let (accepted, wakeUp) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
            guard !state.isClosed, state.waiting.writes.count < limits.maximumWaitingWrites,
                state.waiting.bytes + size <= limits.maximumWaitingBytes || state.waiting.writes.isEmpty
            else { return (false, nil) }
            state.waiting.writes.append(write)
            state.waiting.answers.append(answer)
            state.waiting.bytes += size
            return (true, state.wakeUp.take())
        }
        wakeUp?.resume()
        return accepted
    }

    /// Why nothing may be acknowledged any more, if that is so: `run` has returned, or is about to.
    package var doubt: StorageError? { state.withLock { $0.doubt } }

    /// Commits batch after batch until `close`; what waits then is committed first.
    ///
    /// It runs on the engine's own thread for writing: between the queue and the commit there is no change of threads.
    /// Returns, too, when the store is in doubt.
    package func run() async {
        await withTaskExecutorPreference(storage.engine.writerExecutor) { await commitBatches() }
    }

    private func commitBatches() async {
        while true {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state in
                    if !state.waiting.writes.isEmpty || state.isClosed { return true }
                    state.wakeUp = continuation
                    return false
                }
                if ready { continuation.resume() }
            }
            let batch = nextBatch()
            if batch.writes.isEmpty { return }
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
            defer { (state.waiting, state.wakeUp) = (WaitingWrites(), nil) }
            return (state.waiting, state.wakeUp)
        }
        wakeUp?.resume()
        let refusal = StorageError(.unavailable, doubt.message, cause: doubt.cause)
        waiting.answer(failed: refusal)
    }

    private func nextBatch() -> WaitingWrites {
        state.withLock { state in
            state.waiting.takeFirst(writes: limits.maximumBatchWrites, bytes: limits.maximumBatchBytes)
        }
    }

    private func commit(_ batch: WaitingWrites) async {
        do {
            let committed = try await storage.commit(batch.writes)
            onCommit(committed)
            batch.answer(with: committed.outcomes)
        } catch {
            if error.code == .inDoubt { giveUp(error) }
            batch.answer(failed: error)
        }
    }
}

/// Writes that wait for their batch, and how the outcome of each is told.
private struct WaitingWrites {
    enum Answer {
        case call(@Sendable (WriteOutcome<Write.SendMessage.Result>) -> Void, on: any TaskExecutor)
        case resolve(@Sendable (WriteOutcome<any Sendable>) -> Void)
    }

    var writes: [Write] = []
    /// One for each write.
    var answers: [Answer] = []
    var bytes = 0

    /// Takes the first writes, as many as fit: nearly always all, but at least one.
    mutating func takeFirst(writes maximumWrites: Int, bytes maximumBytes: Int) -> WaitingWrites {
        var batch = WaitingWrites()
        swap(&batch, &self)
        guard batch.writes.count > maximumWrites || batch.bytes > maximumBytes else { return batch }
        var count = 0
        var taken = 0
        while count < min(batch.writes.count, maximumWrites) {
            let size = batch.writes[count].size
            if count > 0, taken + size > maximumBytes { break }
            taken += size
            count += 1
        }
        writes = Array(batch.writes.dropFirst(count))
        answers = Array(batch.answers.dropFirst(count))
        bytes = batch.bytes - taken
        return WaitingWrites(
            writes: Array(batch.writes.prefix(count)), answers: Array(batch.answers.prefix(count)), bytes: taken)
    }

    func answer(failed error: StorageError) {
        answer(with: answers.map { _ in .failed(error) })
    }

    /// Tells everybody the outcome of their write; each executor in one call.
    func answer(with outcomes: [WriteOutcome<any Sendable>]) {
        typealias Outcome = WriteOutcome<Write.SendMessage.Result>
        typealias Call = (completion: @Sendable (Outcome) -> Void, outcome: Outcome)
        var places: [ObjectIdentifier: Int] = [:]
        var calls: [(executor: any TaskExecutor, calls: [Call])] = []
        for (answer, outcome) in zip(answers, outcomes) {
            switch answer {
            case .resolve(let resolve): resolve(outcome)
            case .call(let completion, let executor):
                let outcome = outcome.of(Write.SendMessage.self)
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
