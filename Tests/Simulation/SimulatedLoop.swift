// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import NIOCore

/// An event loop of a simulated server: what it is given is done in order, on the scheduler's time.
final class SimulatedLoop: EventLoop, @unchecked Sendable {
    private let scheduler: Scheduler
    private let lane: Lane

    init(_ name: String, of process: SimulatedProcess, on scheduler: Scheduler) {
        self.scheduler = scheduler
        lane = Lane(name, of: process)
    }

    /// Only for what the scheduler runs in this loop's lane: code that touches a connection from elsewhere traps as it
    /// would on threads.
    var inEventLoop: Bool { scheduler.currentLane === lane }

    var now: NIODeadline {
        let (seconds, attoseconds) = scheduler.now.components
        return .uptimeNanoseconds(UInt64(seconds + 1_000_000) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000))
    }

    func execute(_ task: @escaping @Sendable () -> Void) {
        scheduler.run(in: lane, task)
    }

    func scheduleTask<T>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        let promise = makePromise(of: T.self)
        let cancelled = Cancellation()
        let delay = Duration.nanoseconds((deadline - now).nanoseconds)
        scheduler.after(delay, for: lane.process) { [scheduler, lane] in
            scheduler.run(in: lane) {
                if cancelled.isCancelled { return }
                promise.assumeIsolatedUnsafeUnchecked().completeWith(Result { try task() })
            }
        }
        return Scheduled(
            promise: promise,
            cancellationTask: {
                cancelled.isCancelled = true
            })
    }

    func scheduleTask<T>(in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        scheduleTask(deadline: now + delay, task)
    }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        preconditionFailure("the loop of a simulated process ends with it")
    }

    private final class Cancellation: @unchecked Sendable {
        var isCancelled = false
    }
}
