// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Runs the jobs of a task on one event loop.
///
/// `Task(executorPreference:)` with it stays on the loop between suspensions, so that it reaches its connections
/// without a hop. ``ConnectionRegistry`` keeps one instance per loop.
package final class EventLoopTaskExecutor: TaskExecutor {
    /// The loop that the jobs run on.
    package let eventLoop: any EventLoop

    /// Creates an executor for `eventLoop`, which must outlive the tasks: a stopped loop runs no more jobs.
    package init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Runs `job` on the loop, after what the loop has queued already.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.eventLoop.execute {
            job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }
}
