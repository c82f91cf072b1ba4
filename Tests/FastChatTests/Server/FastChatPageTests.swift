// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import NIOCore
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

    // MARK: Peers that ask and do not read what they are answered

    /// Each request of some eighty bytes is answered with the keys of two dozen people.
    @Test func requestsOfAPeerThatDoesNotReadWait() async throws {
        var options = FastChatWorld.quick
        options.outboundBytes = 64 << 10
        try await FastChatWorld.with(options) { world in
            let eight = try await world.register(8)
            let (slow, requests) = try await largeGroup(in: world)
            var answers = slow.reads.makeAsyncIterator()
            let reads = world.test.engine.reads

            await slow.setReading(false)
            async let sent: Void = slow.send(requests)
            while await world.heldBytes() < 64 << 10 { await Task.yield() }
            // Others are served meanwhile.
            for _ in 0..<20 { #expect(try await eight.client.key(of: 8) != nil) }

            // The limit, the answer that went beyond it, and an array on its way; of ten megabytes.
            #expect(await world.heldBytes() < 128 << 10)
            #expect(world.test.engine.reads - reads < Self.requestsAtOnce)

            // It reads again, and everything is answered.
            await slow.setReading(true)
            var splitter = FastChatSplitter()
            var found = 0
            while found < Self.requestsAtOnce, let read = await answers.next() {
                for case .value(let unit) in splitter.receive(read) {
                    guard case .items(let items) = try FastChatServerUnit(decoding: unit) else { continue }
                    for case .keys(let reply) in items where reply.keys?.count == Self.membersAsked { found += 1 }
                }
            }
            #expect(found == Self.requestsAtOnce)
            try await sent
            while world.registry.inboundBudget.usedBytes > 0 { await Task.yield() }
            await slow.close()
        }
    }

    /// There is no limit of time for a login here: only that it does not read ends the connection.
    @Test func whoAsksAndReadsNoAnswerIsDisconnected() async throws {
        var options = FastChatWorld.quick
        options.outboundBytes = 64 << 10
        var peers = PeerLimits()
        peers.writeTimeout = .seconds(1)
        try await FastChatWorld.with(options, peers: peers) { world in
            let eight = try await world.register(8)
            let (slow, requests) = try await largeGroup(in: world)

            await slow.setReading(false)
            // It is cut while it sends.
            async let sent: Void? = try? slow.send(requests)

            while world.registry.openConnections > 1 { await Task.yield() }
            #expect(try await eight.client.key(of: 8) != nil)
            while world.registry.inboundBudget.usedBytes > 0 { await Task.yield() }
            await slow.close()
            _ = await sent
        }
    }

    private static let membersAsked = 24
    private static let requestsAtOnce = 1500

    /// A connection of seven, who is in a group of so many, and requests for the keys of all of them.
    private func largeGroup(in world: FastChatWorld) async throws -> (slow: MessengerSocket, requests: [UInt8]) {
        let seven = try await world.register(7)
        let members = (0..<Self.membersAsked).map { FastChatUserNumber(Int64(20 + $0)) }
        let key = try FastChatWorld.keys.get()[0].publicKey.pem
        for member in members {
            _ = try await world.chat.register(
                login: "\(member.rawValue)", password: Password(ChatUnderTest.password), username: nil, email: nil,
                key: NewKey(kind: FastChatService.name, publicKey: key), from: ChatUnderTest.origin)
        }
        let group = try await seven.client.createGroup(of: members)
        let slow = try await world.socket()
        try await slow.send(FastChatRequest.logIn(7, password: ChatUnderTest.password, sign: world.sign).encoded())
        let reply = try #require(await slow.reads.first { _ in true })
        #expect(try FastChatServerUnit(decoding: reply) == .reply(.loggedIn))
        await seven.client.close()
        while world.registry.openConnections > 2 { await Task.yield() }
        let request = FastChatRequest.groupKeys(group, from: 7).encoded()
        return (slow, Array(repeatElement(request, count: Self.requestsAtOnce).joined()))
    }
}
