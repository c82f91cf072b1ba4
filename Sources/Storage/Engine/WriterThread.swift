// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import Threads

/// The thread of an engine's one writer: runs the jobs of the tasks that prefer it, one after the other, in their
/// order.
///
/// A transaction blocks it for as long as the disk or the database takes; no thread of Swift's own waits. It ends with
/// the last reference.
package final class WriterThread: TaskExecutor {
    private let jobs = Jobs()

    /// Starts the thread; `nil` when the system has none.
    package init?() {
        let executor = asUnownedTaskExecutor()
        guard BlockingThread.start({ [jobs] in jobs.run(on: executor) }) else { return nil }
    }

    deinit { jobs.finish() }

    /// Runs `job` after those that were enqueued before it.
    package func enqueue(_ job: consuming ExecutorJob) {
        jobs.add(UnownedJob(job))
    }

    /// Runs `body` on the thread: at once if the task runs there already, else in its turn.
    package func run<Value>(_ body: () throws -> Value) async throws(StorageError) -> Value {
        do {
            return try await withTaskExecutorPreference(self) { try body() }
        } catch {
            throw StorageError(thrown: error)
        }
    }
}

/// What waits for the thread; `lock` guards the jobs and the end.
private final class Jobs: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let added = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [UnownedJob] = []
    private var isIdle = false
    private var isFinished = false

    init() {
        pthread_mutex_init(lock, nil)
        pthread_cond_init(added, nil)
    }

    deinit {
        pthread_cond_destroy(added)
        pthread_mutex_destroy(lock)
        added.deallocate()
        lock.deallocate()
    }

    func add(_ job: UnownedJob) {
        pthread_mutex_lock(lock)
        waiting.append(job)
        let wakes = isIdle
        isIdle = false
        pthread_mutex_unlock(lock)
        if wakes { pthread_cond_signal(added) }
    }

    func finish() {
        pthread_mutex_lock(lock)
        isFinished = true
        pthread_mutex_unlock(lock)
        pthread_cond_signal(added)
    }

    func run(on executor: UnownedTaskExecutor) {
        while let jobs = take() {
            for job in jobs { job.runSynchronously(on: executor) }
        }
    }

    /// The jobs that wait, as soon as there are some; `nil` at the end.
    private func take() -> [UnownedJob]? {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while waiting.isEmpty {
            if isFinished { return nil }
            isIdle = true
            pthread_cond_wait(added, lock)
        }
        isIdle = false
        defer { waiting = [] }
        return waiting
    }
}
