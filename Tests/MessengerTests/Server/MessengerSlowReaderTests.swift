// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import TestClient
import Testing
import Transport

@testable import Messenger

/// Requests of peers that do not read what they are answered.
@Suite(.timeLimit(.minutes(10))) struct MessengerSlowReaderTests {
    /// Each request of a few bytes asks for a list of some ten kilobytes.
    @Test func requestsOfAPeerThatDoesNotReadWait() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.test.register("anna").principal
            for number in 0..<60 {
                let login = "\(number)" + String(repeating: "x", count: 200)
                try await world.test.register(login)
                _ = try await world.chat.addContact(login: login, of: anna)
            }
            let bob = try await world.enter("bob")
            let slow = try await world.socket()
            var answers = slow.reads.makeAsyncIterator()
            try await slow.send(MessengerRequest.logIn(login: "anna", password: ChatUnderTest.password).encoded())
            let answer = try #require(await answers.next())
            guard case .loggedIn(let key)? = MessengerAnswer(decoding: answer) else {
                Issue.record("\(answer)")
                return
            }
            // More than the system keeps for a peer that does not read.
            let count = 700
            let reads = world.test.engine.reads

            await slow.setReading(false)
            try await slow.send(Array(repeatElement(MessengerRequest.contacts(key).encoded(), count: count).joined()))
            while await state(in: world).units < MessengerSession.maximumWaitingUnits { await Task.yield() }
            // Others are served meanwhile.
            for _ in 0..<20 { #expect(try await bob.client.contacts() == []) }

            // The parts of one more list.
            let held = await state(in: world)
            #expect(held.units <= MessengerSession.maximumWaitingUnits + 8)
            #expect(held.bytes <= (MessengerSession.maximumWaitingUnits + 8) * MessengerUnit.maximumBytes)
            #expect(world.test.engine.reads - reads < count)

            // It reads again, and everything is answered.
            await slow.setReading(true)
            while world.test.engine.reads - reads < count, await answers.next() != nil {}
            while world.registry.inboundBudget.usedBytes > 0 { await Task.yield() }
            await slow.close()
        }
    }

    @Test func requestsCountAgainstTheBudgetUntilTheyAreAnswered() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.enter("anna")
            try await world.test.register("bob")
            try await anna.send("first", to: "bob")
            let budget = world.registry.inboundBudget
            let text = String(repeating: "x", count: 16_000)

            world.test.engine.hold()
            try await anna.client.send(text, to: "bob")
            // The first write that is held may be that of the cursors, which are saved every few seconds.
            repeat { await world.test.engine.writeIsHeld() } while budget.usedBytes < 16_000
            #expect(budget.usedBytes >= 16_000)
            world.test.engine.release()

            try await anna.settled()
            while budget.usedBytes > 0 { await Task.yield() }
        }
    }

    /// The most that waits on a connection.
    private func state(in world: MessengerWorld) async -> (units: Int, bytes: Int) {
        let (states, source) = AsyncStream.makeStream(of: (units: Int, bytes: Int).self)
        // An identifier is a number within its loop, and that of the loop.
        let identifiers = (1...8).flatMap { number in
            (0..<64).map { ConnectionID(rawValue: UInt64(number) << 16 | UInt64($0)) }
        }
        world.registry.forEachSession(of: identifiers) { session in
            guard let connection = (session as? MessengerSession)?.connection else { return }
            source.yield((connection.unacknowledgedUnits, connection.bufferedBytes))
        }
        var most = (units: 0, bytes: 0)
        for await state in states.prefix(2) where state.units > most.units { most = state }
        return most
    }
}
