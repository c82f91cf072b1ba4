// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import Chat
import ChatTesting
import Skaro
import TestClient
import Testing
import Transport

/// Frames that are no requests, too long, or of no type.
@Suite(.timeLimit(.minutes(10))) struct SkaroFrameTests {
    /// A frame that is no request, and a word of the sentence about it.
    static let bad: [([UInt8], String)] = [
        ([], "CBOR"), ([0xFF], "CBOR"), ([0xA1], "CBOR"), ([0x01], "map"), ([0x80], "map"), ([0xA0], "type"),
        ([0xA1, 0x64, 0x74, 0x79, 0x70, 0x65, 0x01], "type"),
        (Array(repeating: 0x81, count: 1000) + [0x01], "CBOR"),
    ]

    @Test(arguments: bad) func badFrameIsToldAndForgotten(_ frame: [UInt8], _ word: String) async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            for _ in 0..<3 {
                for _ in 0..<2 {
                    try await alice.client.send(frame: frame)
                    guard case .error(let why) = try await alice.next() else {
                        Issue.record("no error push")
                        return
                    }
                    #expect(why.contains(word))
                }
                // Any request begins the count anew, even a refused one.
                #expect(try await alice.client.request(["type": "no such request"]).status == "405 Method Not Allowed")
            }
            #expect(alice.client.closure == nil)
        }
    }

    @Test func thirdBadFrameInARowCloses() async throws {
        try await SkaroServer.with { server in
            let client = try await server.connect()
            var pushes = client.pushes.makeAsyncIterator()
            for frame in [[0xFF], [0xA0], [0x01]] as [[UInt8]] { try await client.send(frame: frame) }

            let closure = await client.webSocket.closed()

            #expect(closure.code == 1002)
            for _ in 0..<2 {
                guard case .error = await pushes.next() else {
                    Issue.record("no error push")
                    return
                }
            }
            #expect(await pushes.next() == nil)
        }
    }

    @Test func textMessageIsABadFrame() async throws {
        try await SkaroServer.with { server in
            let client = try await server.connect()
            var pushes = client.pushes.makeAsyncIterator()
            try await client.webSocket.send(text: "{}")
            guard case .error = await pushes.next() else {
                Issue.record("no error push")
                return
            }
            for _ in 0..<2 { try await client.webSocket.send(text: "{}") }

            #expect(await client.webSocket.closed().code == 1002)
        }
    }

    @Test func answersBeforeTheThirdBadFrameStillLeave() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            _ = try await server.test.register("bob")
            let client = alice.client
            async let answer = client.request(.sendMessage(to: "bob", body: "Hello!"))
            let message = try await answer
            for _ in 0..<3 { try await client.send(frame: [0xFF]) }

            #expect(message.isSuccess)
            #expect(await client.webSocket.closed().code == 1002)
        }
    }

    @Test func frameOverTheLimitCloses() async throws {
        var options = SkaroService.Options()
        options.frameBytes = 200_000
        try await SkaroServer.with(options: options) { server in
            let stranger = try await server.connect()
            let alice = try await server.join("alice")
            func request(_ bytes: Int) -> CBORValue {
                ["type": "register_type", "padding": .text(String(repeating: "x", count: bytes))]
            }

            #expect(try await alice.client.request(request(190_000)).isSuccess)
            #expect(try await stranger.request(request(60_000)).isSuccess)
            // Before the login the limit is that of every connection.
            await #expect(throws: ClientError.self) { _ = try await stranger.request(request(70_000)) }
            await #expect(throws: ClientError.self) { _ = try await alice.client.request(request(200_000)) }
            #expect(await stranger.webSocket.closed().code == 1009)
            #expect(await alice.client.webSocket.closed().code == 1009)
        }
    }

    @Test func answerHasTheRequestsOwnID() async throws {
        try await SkaroServer.with { server in
            let socket = try await WebSocketClient.connect(url: server.url)
            _ = try await socket.receive()
            for id in [.null, 7, "seven", [1, 2], .double(1.5), .bytes([1])] as [CBORValue] {
                let request: CBORValue = ["type": "register_type", "on_request": id]
                try await socket.send(frame: WebSocketFrameBytes(opcode: 2), payload: request.encoded())

                let answer = try CBORValue(decoding: try #require(try await socket.receive()))
                #expect(answer["id"] == id)
                #expect(answer["type"] == "request")
                #expect(answer["for"] == "register_type")
            }
        }
    }

    @Test func unknownTypeIsRefusedBeforeTheLogIn() async throws {
        try await SkaroServer.with { server in
            let client = try await server.connect()
            let answer = try await client.request(["type": "show_message"])

            #expect(answer.status == "405 Method Not Allowed")
            #expect(answer.type == "show_message")
        }
    }

    @Test func endlessRequestsDoNotPileUp() async throws {
        var options = SkaroService.Options()
        options.requestsInFlight = 2
        try await SkaroServer.with(options: options) { server in
            let alice = try await server.join("alice")
            let client = alice.client
            let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<100 { group.addTask { try await client.request(.getContacts).isSuccess } }
                var count = 0
                for try await isSuccess in group where isSuccess { count += 1 }
                return count
            }

            #expect(answers == 100)
        }
    }
}
