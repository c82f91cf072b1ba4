// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Waits for what no event tells of, at most a minute: whether it has become true.
package func becomesTrue(_ condition: () -> Bool) async -> Bool {
    let end = ContinuousClock.now + .seconds(60)
    while !condition() {
        guard ContinuousClock.now < end else { return false }
        await Task.yield()
    }
    return true
}
