// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What a decoder holds of one connection's input, such as half a request, has of the budget of all connections.
package struct HeldInput: ~Copyable {
    private let budget: InboundBudget
    private var bytes = 0

    /// Nothing of `budget` yet.
    package init(of budget: InboundBudget) {
        self.budget = budget
    }

    deinit {
        budget.release(bytes)
    }

    /// Takes or gives back what makes it `count` bytes.
    ///
    /// - Returns: `false` when the budget does not have them: the connection has to end.
    package mutating func hold(_ count: Int) -> Bool {
        if count > bytes {
            guard budget.reserve(count - bytes) else { return false }
        } else {
            budget.release(bytes - count)
        }
        bytes = count
        return true
    }

    /// Gives back everything: the connection is gone.
    package mutating func giveBackAll() {
        budget.release(bytes)
        bytes = 0
    }
}
