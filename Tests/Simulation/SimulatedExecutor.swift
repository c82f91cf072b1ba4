// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSimulation
@_spi(ExperimentalCustomExecutors) @_spi(ExperimentalScheduling) import _Concurrency

/// Where all tasks of the process run: their jobs go to the scheduler, their sleeps to its clock.
///
/// Swift 6.3 lets a program choose its executors once, before the first task (SE-0505 in the making). The tasks of a
/// thread pool come in any order, which the scheduler draws.
final class SimulatedExecutor: TaskExecutor, SchedulingExecutor, MainExecutor, @unchecked Sendable {
    private func scheduled() -> Scheduler {
        guard let scheduler = ProcessExecutors.current else { preconditionFailure("a task outside of a simulation") }
        return scheduler
    }

    func enqueue(_ job: consuming ExecutorJob) {
        scheduled().enqueue(UnownedJob(job))
    }

    func enqueue<C: Clock>(
        _ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C
    ) {
        guard let delay = delay as? Duration else { preconditionFailure("a clock that measures no durations") }
        let job = UnownedJob(job)
        scheduled().after(delay) { self.scheduled().enqueue(job) }
    }

    func enqueue<C: Clock>(_ job: consuming ExecutorJob, at instant: C.Instant, tolerance: C.Duration?, clock: C) {
        enqueue(job, after: clock.now.duration(to: instant), tolerance: tolerance, clock: clock)
    }

    func run() throws { preconditionFailure("the scheduler runs the tasks") }
    func stop() {}
    func checkIsolated() {}
}

/// The executors of this process.
enum ProcessExecutors: ExecutorFactory {
    static let executor = SimulatedExecutor()
    /// The simulation that this process plays.
    nonisolated(unsafe) static var current: Scheduler?

    static var mainExecutor: any MainExecutor { executor }
    static var defaultExecutor: any TaskExecutor { executor }

    /// Takes over all tasks; before the first one.
    static func install() {
        _createExecutors(factory: Self.self)
        // What names the global pool outright.
        simulation_take_jobs { job in
            guard let job, let scheduler = ProcessExecutors.current else { return }
            scheduler.enqueue(unsafeBitCast(job, to: UnownedJob.self))
        }
    }
}
