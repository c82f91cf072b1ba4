// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Stops threads and tasks until a test opens it; from then on they pass.
package final class Gate: Sendable {
    private let opening = DispatchGroup()
    private let isOpen = Atomic(false)
    private let arrivals: AsyncStream<Void>
    private let arrived: AsyncStream<Void>.Continuation

    package init() {
        (arrivals, arrived) = AsyncStream.makeStream()
        opening.enter()
    }

    deinit {
        // A dispatch group that was entered must be left.
        open()
    }

    /// Stops the thread.
    package func block() {
        arrived.yield()
        opening.wait()
    }

    /// Stops the task, also one that is cancelled; its thread is free meanwhile.
    package func pass() async {
        arrived.yield()
        await withCheckedContinuation { continuation in
            opening.notify(queue: .global()) { continuation.resume() }
        }
    }

    /// Waits until one more thread or task has arrived.
    package func arrival() async {
        for await _ in arrivals { return }
    }

    package func open() {
        if !isOpen.exchange(true, ordering: .relaxed) { opening.leave() }
    }
}
