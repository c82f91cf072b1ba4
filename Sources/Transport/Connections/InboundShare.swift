// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What the requests of one connection have of the budget of all connections, from their arrival until they are
/// answered.
public struct InboundShare: ~Copyable {
    /// What a request takes in memory beside its bytes, roughly.
    private static let requestOverhead = 512

    private let budget: InboundBudget
    /// Bytes of the requests that are not answered.
    public private(set) var bytes = 0
    private var requests = 0

    /// Nothing of `budget` yet.
    public init(of budget: InboundBudget) {
        self.budget = budget
    }

    deinit {
        budget.release(bytes + requests * Self.requestOverhead)
    }

    /// Takes what a request of `count` bytes needs, or nothing and returns `false` when the budget does not have it.
    public mutating func take(_ count: Int) -> Bool {
        guard budget.reserve(count + Self.requestOverhead) else { return false }
        bytes += count
        requests += 1
        return true
    }

    /// Gives back what a request of `count` bytes took; nothing once all is given back.
    public mutating func giveBack(_ count: Int) {
        guard requests > 0 else { return }
        requests -= 1
        bytes -= count
        budget.release(count + Self.requestOverhead)
    }

    /// Gives back everything: the connection is gone.
    public mutating func giveBackAll() {
        budget.release(bytes + requests * Self.requestOverhead)
        bytes = 0
        requests = 0
    }
}
