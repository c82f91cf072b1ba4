// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import Chat
import ChatTesting
import Skaro
import TestClient
import Testing

/// What takes long is not done on an event loop, where it would hold up other connections.
@Suite(.timeLimit(.minutes(10))) struct SkaroLongWorkTests {
    private static let padding = String(repeating: "x", count: 1 << 20)

    @Test func aLongFrameHoldsUpNoOtherConnection() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice").client
            // Some of them share alice's event loop.
            var others: [SkaroClient] = []
            for _ in 0..<8 { others.append(try await server.connect()) }

            try await withThrowingTaskGroup(of: Bool.self) { group in
                try await server.chat.longWork.withoutPlaces {
                    group.addTask {
                        try await alice.request(["type": "get_contacts", "padding": .text(Self.padding)]).isSuccess
                    }
                    while server.chat.longWork.waitingPages == 0 { await Task.yield() }
                    for other in others {
                        let answer = try await other.request(.registerType)
                        #expect(answer.isSuccess)
                    }
                }
                #expect(try await group.next() == true)
            }
        }
    }

    @Test func aLongAnswerHoldsUpNoOtherConnection() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let client = alice.client
            _ = try await server.test.register("bob")
            let texts = (0..<4).map { "\($0)" + String(repeating: "x", count: 40_000) }
            for text in texts { _ = try await alice.ask(.sendMessage(to: "bob", body: text)) }
            var others: [SkaroClient] = []
            for _ in 0..<8 { others.append(try await server.connect()) }

            try await withThrowingTaskGroup(of: SkaroAnswer.self) { group in
                try await server.chat.longWork.withoutPlaces {
                    // What is short waits for no place.
                    #expect(try await alice.ask(.getHistory(dialog: "bob", before: nil, limit: 3)).isSuccess)
                    group.addTask {
                        try await client.request(.getHistory(dialog: "bob", before: nil, limit: 10))
                    }
                    await server.chat.longWork.waits(for: 1)
                    for other in others {
                        let answer = try await other.request(.registerType)
                        #expect(answer.isSuccess)
                    }
                }
                let answer = try #require(try await group.next())
                #expect(answer.history?.map(\.body) == texts)
            }
        }
    }

    @Test func aLongBadFrameIsToldAndCounted() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let frame = [UInt8](repeating: 0xFF, count: 1 << 20)
            for _ in 0..<2 {
                for _ in 0..<2 {
                    try await alice.client.send(frame: frame)
                    guard case .error(let why) = try await alice.next() else {
                        Issue.record("no error push")
                        return
                    }
                    #expect(why.contains("CBOR"))
                }
                let answer = try await alice.client.request(["type": "no such request", "padding": .text(Self.padding)])
                #expect(answer.status == "405 Method Not Allowed")
            }
            for _ in 0..<3 { try await alice.client.send(frame: frame) }

            #expect(await alice.client.webSocket.closed().code == 1002)
        }
    }
}
