// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Transport

/// What half requests take of the budget of all connections.
struct HeldInputTests {
    @Test func theDifferenceIsTakenAndGivenBack() {
        let budget = InboundBudget(maximumBytes: 100_000)
        do {
            var input = HeldInput(of: budget)
            func hold(_ count: Int) -> Bool { input.hold(count) }

            #expect(hold(60_000))
            #expect(budget.usedBytes == 60_000)
            #expect(hold(90_000))
            #expect(budget.usedBytes == 90_000)
            #expect(!hold(100_001))
            #expect(budget.usedBytes == 90_000)
            #expect(hold(10))
            #expect(budget.usedBytes == 10)
            input.giveBackAll()
            #expect(budget.usedBytes == 0)
            #expect(hold(20))
        }
        // Whatever the session forgot to give back.
        #expect(budget.usedBytes == 0)
    }
}
