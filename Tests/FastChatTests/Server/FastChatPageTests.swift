// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Storage
import TestClient
import Testing
import Transport

@testable import FastChat

/// What all connections together hold in memory has a bound.
@Suite(.timeLimit(.minutes(10))) struct FastChatPageTests {
    /// What was missed is read at a login.
    @Test func aPageWaitsForItsTurnUnlessTheConnectionIsGone() async throws {
        try await FastChatWorld.with { world in
            let pages = world.chat.pages
            let first = try await world.register(7)
            await first.client.close()
            await world.registry.allClosed()
            let (anna, number) = try await world.registerElsewhere("anna")
            try await world.test.send("hello", to: world.direct(anna, with: 7).uuid, by: anna)

            try await pages.withoutPlaces {
                let gone = try await world.logIn(7)
                await pages.waits(for: 1)
                await gone.client.close()
                await pages.waits(for: 0)
            }

            let seven = try await world.logIn(7)
            #expect(await seven.messages(1) == ["\(number): hello"])
        }
    }

    @Test func requestsCountAgainstTheBudgetUntilTheyAreAnswered() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            _ = try await world.register(8)
            try await seven.client.send("first", to: 8)
            try await world.settle(seven)
            let budget = world.registry.inboundBudget

            world.test.engine.hold()
            try await seven.client.send(String(repeating: "x", count: 16_000), to: 8)
            // The first write that is held may be that of the cursors, which are saved every few seconds.
            repeat { await world.test.engine.writeIsHeld() } while budget.usedBytes < 16_000
            #expect(budget.usedBytes >= 16_000)
            world.test.engine.release()

            while budget.usedBytes > 0 { await Task.yield() }
        }
    }

    @Test func accountsWithAKeyAreForgottenOneByOne() {
        let known = FastChatKnownKeys(capacity: 3)
        known.remember((1...3).map { UserID($0) })
        // The second one was not asked for since.
        _ = known.known(of: [UserID(1), UserID(3)])

        known.remember([UserID(4)])

        #expect(known.known(of: (1...4).map { UserID($0) }) == [UserID(1), UserID(3), UserID(4)])
    }
}
