// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A clock that stands still until a test moves it; who sleeps by it moves it as far, at once.
package final class ManualClock: Clock {
    package typealias Instant = ContinuousClock.Instant

    private let start = ContinuousClock.now
    private let offset = Mutex(Duration.zero)

    package init() {}

    /// How far it was moved.
    package var elapsed: Duration { offset.withLock { $0 } }
    package var now: Instant { start.advanced(by: elapsed) }
    package var minimumResolution: Duration { .nanoseconds(1) }

    /// Moves it.
    package func advance(by duration: Duration) {
        offset.withLock { $0 += duration }
    }

    package func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        offset.withLock { $0 = max($0, start.duration(to: deadline)) }
    }
}
