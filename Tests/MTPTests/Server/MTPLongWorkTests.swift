// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import JSON
import MTP
import TestClient
import Testing

/// What takes long is not done on an event loop, where it would hold up other connections.
@Suite(.timeLimit(.minutes(10))) struct MTPLongWorkTests {
    @Test func aLongMessageHoldsUpNoOtherConnection() async throws {
        try await MTPServer.with { server in
            let chat = server.test.chat
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let flow = try await alice.createFlow(users: [bob])
            // Some of them share alice's event loop.
            var others = [bob]
            for _ in 0..<8 { others.append(bob.on(try await server.connect())) }
            let picture = JSONText(String(repeating: "p", count: 1 << 20))
            let long = MTPRequest.sendMessage(
                as: alice.credentials, flow: flow,
                MessageObject(clientID: 1, text: JSONText("long"), filePicture: picture))
            let short = alice.message("short", to: flow)

            try await withThrowingTaskGroup(of: Void.self) { group in
                try await chat.longWork.withoutPlaces {
                    group.addTask { _ = try await alice.ask(long) }
                    while chat.longWork.waitingPages == 0 { await Task.yield() }
                    group.addTask { _ = try await alice.ask(short) }
                    for (number, other) in others.enumerated() {
                        try await other.ask(.pingPong(as: other.credentials))
                        try await other.send("\(number)", to: flow)
                    }
                    #expect(try await bob.texts(in: flow) == others.indices.map { "\($0)" })
                }
                try await group.waitForAll()
            }

            // A connection's own requests keep their order.
            #expect(try await bob.texts(in: flow) == others.indices.map { "\($0)" } + ["long", "short"])
        }
    }

    @Test func aLongAnswerHoldsUpNoOtherConnection() async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let flow = try await alice.createFlow(users: [bob])
            let picture = JSONText(String(repeating: "p", count: 1 << 20))
            try await alice.ask(
                .sendMessage(
                    as: alice.credentials, flow: flow,
                    MessageObject(clientID: 1, text: JSONText("long"), filePicture: picture)))
            var others = [bob]
            for _ in 0..<8 { others.append(bob.on(try await server.connect())) }

            try await withThrowingTaskGroup(of: JSONText?.self) { group in
                try await server.test.chat.longWork.withoutPlaces {
                    group.addTask {
                        try await alice.ask(.allMessages(as: alice.credentials, flow: flow, start: 0, end: 10))
                            .data?.message?.first?.filePicture
                    }
                    while server.test.chat.longWork.waitingPages == 0 { await Task.yield() }
                    for other in others { try await other.ask(.pingPong(as: other.credentials)) }
                }
                #expect(try await group.next() == picture)
            }
        }
    }
}
