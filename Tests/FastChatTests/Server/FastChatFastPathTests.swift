// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import JSON
import Storage
import TestClient
import Testing

@testable import FastChat
@testable import Transport

/// What the event loop does with a request at once, and what it leaves to others.
@Suite(.timeLimit(.minutes(10))) struct FastChatFastPathTests {
    /// A message as nobody could open it, which is not the server's business.
    private static func copy(for recipient: FastChatUserNumber) -> FastChatCopy {
        FastChatCopy(recipient: recipient, body: "c2VhbGVk", key: "a2V5")
    }

    private static func direct(from sender: FastChatUserNumber, to recipient: FastChatUserNumber) -> FastChatRequest {
        .direct(FastChatMessage(FastChatHeader(kind: .text, sender: sender, time: "now"), copy(for: recipient)))
    }

    private static func group(
        _ group: FastChatGroupNumber, from sender: FastChatUserNumber, to recipients: [FastChatUserNumber]
    ) -> FastChatRequest {
        .group(
            FastChatGroupMessage(
                FastChatHeader(kind: .text, sender: sender, time: "now"), to: group,
                copies: recipients.map { copy(for: $0) }))
    }

    @Test func aMessageWhoseNeedsAreInMemoryIsSubmittedAtOnce() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            #expect(try await !world.isSubmittedAtOnce(Self.direct(from: 7, to: 8), of: 7))
            try await seven.client.send("first", to: 8)
            #expect(await eight.messages(1) == ["7: first"])

            #expect(try await world.isSubmittedAtOnce(Self.direct(from: 7, to: 8), of: 7))

            #expect(await eight.messages(1) == ["7: (closed)"])
            // Somebody else's name, nobody, and oneself are refused where it is counted.
            #expect(try await !world.isSubmittedAtOnce(Self.direct(from: 8, to: 7), of: 7))
            #expect(try await !world.isSubmittedAtOnce(Self.direct(from: 7, to: 99), of: 7))
            #expect(try await !world.isSubmittedAtOnce(Self.direct(from: 7, to: 7), of: 7))
        }
    }

    @Test func aMessageToAGroupWhoseNeedsAreInMemoryIsSubmittedAtOnce() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            let nine = try await world.register(9)
            let owner = try await world.principal(7)
            let people = [try await world.principal(8), try await world.principal(9)]
            let flow = try await world.test.createFlow(members: people, by: owner)
            let group = FastChatGroupNumber(try await world.chat.flow(flow, for: owner).id)
            try await seven.client.send("first", to: group)
            #expect(await eight.messages(1) == ["7@\(group.rawValue): first"])
            #expect(await nine.messages(1) == ["7@\(group.rawValue): first"])

            #expect(try await world.isSubmittedAtOnce(Self.group(group, from: 7, to: [8, 9]), of: 7))

            #expect(await eight.messages(1) == ["7@\(group.rawValue): (closed)"])
            #expect(await nine.messages(1) == ["7@\(group.rawValue): (closed)"])
            // Whoever is not in it.
            _ = try await world.register(10)
            #expect(try await !world.isSubmittedAtOnce(Self.group(group, from: 7, to: [8, 10]), of: 7))
            #expect(try await !world.isSubmittedAtOnce(Self.group(group, from: 10, to: [8]), of: 10))
        }
    }

    /// The server opens it, with a key that it reads from the store.
    @Test func aMessageForAHeldKeyIsNot() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            let (anna, number) = try await world.registerElsewhere("anna")
            try await seven.client.send("first", to: FastChatUserNumber(number))
            let flow = try await world.direct(anna, with: 7)
            #expect(try await world.texts(1, in: flow, for: anna) == ["first"])

            #expect(
                try await !world.isSubmittedAtOnce(Self.direct(from: 7, to: FastChatUserNumber(number)), of: 7))
        }
    }

    @Test func aLongMessageHoldsUpNoOtherConnection() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            var others: [Member] = []
            // Some of them share the event loop of 7.
            for number in Int64(9)..<15 { others.append(try await world.register(number)) }
            let text = String(repeating: "x", count: 200_000)

            try await world.chat.longWork.withoutPlaces {
                try await seven.client.send(text, to: 8)
                while world.chat.longWork.waitingPages == 0 { await Task.yield() }
                try await seven.client.send(Self.direct(from: 7, to: 8))
                for other in others { try await other.client.send("short", to: 8) }
                #expect(await Set(eight.messages(6)) == Set((9..<15).map { "\($0): short" }))
            }

            // A connection's own requests keep their order.
            #expect(await eight.messages(2) == ["7: \(text)", "7: (closed)"])
        }
    }
}

extension FastChatWorld {
    /// Gives a request to the connection of a user, as if it had just been read.
    fileprivate func isSubmittedAtOnce(_ request: FastChatRequest, of number: Int64) async throws -> Bool {
        let user = try await chat.person(publicNumber: number).id
        let answers = await registry.answers(of: FastChatSession.self) { session -> Bool? in
            guard session.holder?.principal.user == user else { return nil }
            // No place of the connection's own waits for the outcome.
            let admission = session.admit(.decoded(.success(request)), as: RequestTicket(number: 1 << 40))
            if case .submitted = admission { return true }
            return false
        }
        return try #require(answers.first as Bool?)
    }
}
