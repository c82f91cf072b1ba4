// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts from 1, by any number of threads.
package final class Tally: Sendable {
    private let count = Atomic(0)

    package init() {}

    /// How often it was counted up.
    package var value: Int { count.load(ordering: .sequentiallyConsistent) }

    /// Counts one more and returns the new value.
    @discardableResult
    package func increment() -> Int { count.add(1, ordering: .sequentiallyConsistent).newValue }
}
