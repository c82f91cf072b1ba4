// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Bounds
import Glibc
import Synchronization
import Threads

/// Runs slow work on threads of its own, a fixed number at a time, with a bounded queue of what waits.
///
/// A thread lives as long as there is work: beside a hash its creation costs nothing, and an idle server has none.
final class HashQueue: Sendable {
    private struct Job: Sendable {
        let id: UInt64
        let claimant: HashClaimant?
        let run: @Sendable () -> Void
        let refuse: @Sendable (CredentialsError) -> Void
    }

    private struct State {
        var nextID: UInt64 = 0
        var running = 0
        var waiting: [Job] = []
    }

    /// What became of a submitted job, decided under the lock and acted on outside of it.
    private enum Admission {
        case startThread, queued
        case refused(CredentialsError)
    }

    private let simultaneous: Int
    private let maximumWaiting: Int
    private let state = Mutex(State())

    init(simultaneous: Int, maximumWaiting: Int) {
        self.simultaneous = simultaneous
        self.maximumWaiting = maximumWaiting
    }

    /// How many jobs run and how many wait, for tests and metrics.
    var load: (running: Int, waiting: Int) { state.withLock { ($0.running, $0.waiting.count) } }

    /// Runs `work` when its turn comes.
    ///
    /// - Throws: What `work` fails with; `busy` when the queue, or the claimant's share of it, is full; `cancelled`
    ///   when the task was cancelled before the work began. Work that has begun is finished and its result returned.
    func perform<Answer: Sendable>(
        for claimant: HashClaimant? = nil, _ work: @escaping @Sendable () -> Result<Answer, CredentialsError>
    ) async throws(CredentialsError) -> Answer {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let result: Result<Answer, CredentialsError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                submit(
                    Job(id: id, claimant: claimant) {
                        continuation.resume(returning: work())
                    } refuse: { error in
                        continuation.resume(returning: .failure(error))
                    })
            }
        } onCancel: {
            let job = state.withLock { state in
                state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0) }
            }
            job?.refuse(.cancelled)
        }
        return try result.get()
    }

    private func submit(_ job: Job) {
        let admission: Admission = state.withLock { state in
            // Looked at under the lock: a cancellation after this finds the job in the queue.
            if Task.isCancelled { return .refused(.cancelled) }
            if state.running < simultaneous {
                state.running += 1
                return .startThread
            }
            if state.waiting.count >= maximumWaiting { return .refused(.busy) }
            if let claimant = job.claimant, hasItsShare(claimant, of: state.waiting) { return .refused(.busy) }
            state.waiting.append(job)
            return .queued
        }
        switch admission {
        case .queued: break
        case .refused(let error): job.refuse(error)
        case .startThread: start(job)
        }
    }

    /// Whether as many wait for an account or a network as may: an account has a sixteenth of the places, a network
    /// half of them.
    private func hasItsShare(_ claimant: HashClaimant, of waiting: [Job]) -> Bool {
        var ofAccount = 0
        var ofNetwork = 0
        for other in waiting.lazy.compactMap(\.claimant) {
            if claimant.account != nil, other.account == claimant.account { ofAccount += 1 }
            if other.network == claimant.network { ofNetwork += 1 }
        }
        return ofAccount >= max(1, maximumWaiting / 16) || ofNetwork >= max(1, maximumWaiting / 2)
    }

    private func start(_ job: Job) {
        if BlockingThread.start({ self.work(beginningWith: job) }) { return }
        // No thread to be had. What waits is served by the threads that run, or refused when there are none.
        let stranded = state.withLock { state -> [Job] in
            state.running -= 1
            guard state.running == 0 else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for job in [job] + stranded { job.refuse(.busy) }
    }

    private func work(beginningWith job: Job) {
        var next: Job? = job
        while let job = next {
            job.run()
            next = state.withLock { state in
                guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
                state.running -= 1
                return nil
            }
        }
    }
}

/// For whom a password is hashed, so that no account or address takes all places in the queue.
package struct HashClaimant: Hashable, Sendable {
    /// The account's row; `nil` for one that is not there yet.
    package var account: Int64?
    /// Where the request comes from.
    package var network: IPAddress

    package init(account: Int64? = nil, network: IPAddress) {
        self.account = account
        self.network = network
    }
}
