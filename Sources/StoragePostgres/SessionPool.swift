// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import Synchronization
import Threads

/// A bounded number of threads, each with a session of its own, and a bounded queue of jobs that wait for one.
///
/// A thread starts with the first job that finds none free, and goes when it was idle for long.
final class SessionPool: Sendable {
    /// One transaction to run, or to refuse: exactly one of the two closures is called.
    struct Job: Sendable {
        /// A `SessionPool.newID()`, by which it can be taken out of the queue.
        var id: UInt64
        /// Runs on the session's thread; the closure it returns hands over the result, once the thread is free again.
        var run: @Sendable (PostgresSession) -> @Sendable () -> Void
        var refuse: @Sendable (StorageError) -> Void
    }

    struct Limits: Sendable {
        var threads: Int
        var waiters: Int
        var waitTimeout: Duration
        /// `nil`: an idle thread stays.
        var idleTimeout: Duration?
    }

    /// What a thread does after a job.
    enum Turn {
        case job(Job)
        case park
        case stop
    }

    private struct Waiter {
        var job: Job
        var deadline: Duration
    }

    private struct State {
        /// Threads that take jobs.
        var workers = 0
        var idle: [SessionWorker] = []
        /// Jobs by ticket, first come first served; a ticket between the ends may be missing.
        var waiting: [UInt64: Waiter] = [:]
        var firstTicket: UInt64 = 0
        var nextTicket: UInt64 = 0
        var lastID: UInt64 = 0
        /// Threads that have not ended, the one that watches deadlines among them.
        var threads = 0
        var isWatched = false
        var isClosed = false
        var closers: [CheckedContinuation<Void, Never>] = []

        mutating func takeFirst() -> Waiter? {
            while firstTicket < nextTicket {
                defer { firstTicket += 1 }
                if let waiter = waiting.removeValue(forKey: firstTicket) { return waiter }
            }
            return nil
        }
    }

    private enum Admission {
        case handed(SessionWorker)
        case start
        case queued(first: Bool)
        case refused(StorageError)
    }

    let limits: Limits
    let source: SessionSource
    private let state = Mutex(State())
    /// Wakes the watch over deadlines; made with it.
    private let watchWakeUp: WakeUp?

    init(limits: Limits, source: SessionSource) {
        self.limits = limits
        self.source = source
        watchWakeUp = WakeUp()
    }

    /// A number for a job.
    func newID() -> UInt64 {
        state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
    }

    /// How many jobs wait, for tests.
    var waitingJobs: Int { state.withLock { $0.waiting.count } }

    /// Runs `job` on a free session, or as soon as there is one, or refuses it: also when the task was cancelled.
    func submit(_ job: Job) {
        let admission = state.withLock { state -> Admission in
            if state.isClosed { return .refused(.closed) }
            // Looked at under the lock: a cancellation after this finds the job in the queue.
            if Task.isCancelled { return .refused(.cancelled) }
            if let worker = state.idle.popLast() { return .handed(worker) }
            if state.workers < limits.threads {
                state.workers += 1
                state.threads += 1
                return .start
            }
            guard state.waiting.count < limits.waiters else { return .refused(.exhausted) }
            state.waiting[state.nextTicket] = Waiter(job: job, deadline: source.now() + limits.waitTimeout)
            state.nextTicket += 1
            return .queued(first: state.waiting.count == 1)
        }
        switch admission {
        case .handed(let worker): worker.hand(job)
        case .start: startWorker(with: job)
        case .queued(let first): if first { watchDeadlines() }
        case .refused(let error): job.refuse(error)
        }
    }

    /// Takes a job out of the queue, if it waits there, and refuses it: its task was cancelled.
    func withdraw(_ id: UInt64) {
        let job = state.withLock { state -> Job? in
            guard let ticket = state.waiting.first(where: { $0.value.job.id == id })?.key else { return nil }
            return state.waiting.removeValue(forKey: ticket)?.job
        }
        job?.refuse(.cancelled)
    }

    private func startWorker(with job: Job) {
        if let worker = SessionWorker(pool: self), BlockingThread.start({ worker.main(job) }) { return }
        state.withLock { $0.workers -= 1 }
        threadEnded()
        job.refuse(.noThread)
    }

    // MARK: What workers call

    /// A session for a worker that has none.
    func openSession() throws(StorageError) -> PostgresSession {
        if state.withLock({ $0.isClosed }) { throw .closed }
        return try source.open()
    }

    /// `worker` has finished a job: it gets the next one that waits, or is idle from now on.
    func turn(after worker: SessionWorker) -> Turn {
        state.withLock { state in
            if state.isClosed {
                state.workers -= 1
                return .stop
            }
            if let waiter = state.takeFirst() { return .job(waiter.job) }
            state.idle.append(worker)
            return .park
        }
    }

    /// An idle `worker` wants to go.
    ///
    /// - Returns: `false` when it was just given a job, which it must run.
    func withdraw(_ worker: SessionWorker) -> Bool {
        state.withLock { state in
            guard let index = state.idle.firstIndex(where: { $0 === worker }) else { return false }
            state.idle.remove(at: index)
            state.workers -= 1
            return true
        }
    }

    /// A thread of this pool is about to end; its session is closed.
    func threadEnded() {
        let closers = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.threads -= 1
            guard state.threads == 0, state.isClosed else { return [] }
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }

    // MARK: Deadlines

    /// One thread refuses those who waited too long; it starts with the first who ever waits.
    private func watchDeadlines() {
        guard let watchWakeUp else { return }
        let starts = state.withLock { state -> Bool in
            if state.isWatched || state.isClosed { return false }
            state.isWatched = true
            state.threads += 1
            return true
        }
        guard starts else { return watchWakeUp.signal() }
        if !BlockingThread.start({ self.watch(watchWakeUp) }) {
            state.withLock { $0.isWatched = false }
            threadEnded()
        }
    }

    private func watch(_ wakeUp: WakeUp) {
        while true {
            let (late, pause, isClosed) = state.withLock { state -> ([Job], Duration?, Bool) in
                var late: [Job] = []
                let time = source.now()
                while state.firstTicket < state.nextTicket {
                    if let waiter = state.waiting[state.firstTicket] {
                        guard waiter.deadline <= time else { break }
                        state.waiting.removeValue(forKey: state.firstTicket)
                        late.append(waiter.job)
                    }
                    state.firstTicket += 1
                }
                return (late, state.waiting[state.firstTicket].map { $0.deadline - time }, state.isClosed)
            }
            for job in late { job.refuse(.exhausted) }
            if isClosed { break }
            if SocketWait.wait(wakeUp.descriptor, for: SocketWait.readable, atMost: pause) != 0 { wakeUp.clear() }
        }
        threadEnded()
    }

    // MARK: Closing

    /// Refuses what waits and lets idle threads go; running jobs end in their own time.
    func beginClosing() {
        let (jobs, idle) = state.withLock { state -> ([Job], [SessionWorker]) in
            state.isClosed = true
            let jobs = state.waiting.sorted { $0.key < $1.key }.map(\.value.job)
            let idle = state.idle
            state.waiting = [:]
            state.idle = []
            state.workers -= idle.count
            return (jobs, idle)
        }
        for job in jobs { job.refuse(.closed) }
        for worker in idle { worker.dismiss() }
        watchWakeUp?.signal()
    }

    /// Closes the pool and waits until its last thread has ended.
    func close() async {
        beginClosing()
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state -> Bool in
                if state.threads == 0 { return true }
                state.closers.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }
}
