// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOWebSocket
import TestClient
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct WebSocketClientTests {
    @Test func messagesComeBackInOrder() async throws {
        try await ScriptedServer.run { server in
            let client = try await WebSocketClient.connect(url: server.url())
            let sent = (0..<500).map { "message \($0) é" } + ["", String(repeating: "x", count: 200_000)]

            for text in sent { client.enqueue(text: Array(text.utf8)) }

            for text in sent {
                #expect(try await client.receive().map { String(decoding: $0, as: UTF8.self) } == text)
            }
            #expect(client.closure == nil)
            #expect(await client.close() == .abnormal)
            #expect(try await client.receive() == nil)
        }
    }

    @Test func fragmentsAreJoinedAcrossControlFrames() async throws {
        var script = ScriptedServer.Script()
        script.onOpen = { peer in
            peer.send(.text, "one, ", isFinal: false)
            peer.send(.ping, "p")
            peer.send(.continuation, "two, ", isFinal: false)
            peer.send(.continuation, "three")
        }
        try await ScriptedServer.run(script) { server in
            let client = try await WebSocketClient.connect(url: server.url())

            #expect(try await client.receive() == Array("one, two, three".utf8))
            await client.abort()
        }
    }

    @Test func pingsAreAnsweredAndSent() async throws {
        var script = ScriptedServer.Script()
        script.onOpen = { $0.send(.ping, "are you there") }
        script.onFrame = { peer, opcode, text in
            switch opcode {
            case .pong: peer.send(text: "pong: \(text)")
            case .ping:
                peer.send(.pong, "something else")
                peer.send(.pong, text)
            default: break
            }
        }
        try await ScriptedServer.run(script) { server in
            let client = try await WebSocketClient.connect(url: server.url())

            #expect(try await client.receive() == Array("pong: are you there".utf8))
            try await client.ping()
            await client.abort()
            await #expect(throws: ClientError.closed(.abnormal)) { try await client.ping() }
        }
    }

    @Test(arguments: [
        (4001 as UInt16?, "bye", WebSocketClosure(code: 4001, reason: "bye")),
        (1000, "", WebSocketClosure(code: 1000, reason: "")), (nil, "", WebSocketClosure(code: 1005, reason: "")),
    ])
    func theServersCloseFrameIsReported(code: UInt16?, reason: String, expected: WebSocketClosure) async throws {
        var script = ScriptedServer.Script()
        script.onOpen = { peer in
            peer.send(text: "last words")
            peer.sendClose(code: code, reason: reason)
        }
        script.onFrame = { peer, opcode, _ in
            // Ends the connection only for the echo: without one the test would wait for ever.
            if opcode == .connectionClose { peer.disconnect() }
        }
        try await ScriptedServer.run(script) { server in
            let client = try await WebSocketClient.connect(url: server.url())

            #expect(try await client.receive() == Array("last words".utf8))
            #expect(try await client.receive() == nil)
            #expect(client.closure == expected)
            await #expect(throws: ClientError.closed(expected)) { try await client.send(text: "late") }
        }
    }

    @Test func aMessageOverTheLimitEndsTheConnection() async throws {
        var options = ClientOptions()
        options.maximumMessageBytes = 100
        for isFragmented in [false, true] {
            var script = ScriptedServer.Script()
            script.onOpen = { peer in
                peer.send(.text, String(repeating: "a", count: isFragmented ? 60 : 101), isFinal: !isFragmented)
                if isFragmented { peer.send(.continuation, String(repeating: "a", count: 60)) }
            }
            try await ScriptedServer.run(script) { server in
                let client = try await WebSocketClient.connect(url: server.url(), options: options)

                await #expect(throws: ClientError.messageTooLarge(limit: 100)) { try await client.receive() }
            }
        }
    }

    @Test func aServerThatBreaksTheRulesIsNamed() async throws {
        var script = ScriptedServer.Script()
        script.onOpen = { $0.send(.continuation, "of nothing") }
        try await ScriptedServer.run(script) { server in
            let client = try await WebSocketClient.connect(url: server.url())

            await #expect(throws: ClientError.protocolViolation("a continuation without a beginning")) {
                try await client.receive()
            }
        }
    }

    @Test func aWaitingReceiverCanBeCancelled() async throws {
        try await ScriptedServer.run { server in
            let client = try await WebSocketClient.connect(url: server.url())
            let waiting = Task { try await client.receive() }
            waiting.cancel()

            await #expect(throws: ClientError.cancelled) { try await waiting.value }
            try await client.send(text: "still there")
            #expect(try await client.receive() == Array("still there".utf8))
            await client.abort()
        }
    }

    @Test func aRefusedUpgradeTellsTheStatus() async throws {
        var script = ScriptedServer.Script()
        script.refusesUpgrades = true
        script.status = .serviceUnavailable
        try await ScriptedServer.run(script) { server in
            await #expect(throws: ClientError.handshakeRefused(status: 503, reason: "Service Unavailable")) {
                try await WebSocketClient.connect(url: server.url())
            }
        }
    }

    @Test func anAnswerWithAWrongProofIsRefused() async throws {
        let answer =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
        try await ScriptedServer.run(raw: answer) { server in
            await #expect {
                try await WebSocketClient.connect(url: server.url())
            } throws: {
                if case ClientError.protocolViolation = $0 { true } else { false }
            }
        }
    }

    @Test func whatIsNoHTTPServerIsNamed() async throws {
        try await ScriptedServer.run(raw: "220 mail.example.org ESMTP\r\n") { server in
            await #expect(throws: ClientError.protocolViolation("its answer is not HTTP")) {
                try await WebSocketClient.connect(url: server.url())
            }
        }
        try await ScriptedServer.run(raw: "", thenCloses: true) { server in
            await #expect(throws: ClientError.closed(.abnormal)) {
                try await WebSocketClient.connect(url: server.url())
            }
        }
    }

    @Test func aSilentServerRunsIntoTheTimeOut() async throws {
        var options = ClientOptions()
        options.timeout = .milliseconds(50)
        try await ScriptedServer.run(raw: "") { server in
            await #expect(throws: ClientError.timedOut(address: "127.0.0.1:\(server.port)", after: .milliseconds(50))) {
                try await WebSocketClient.connect(url: server.url(), options: options)
            }
        }
    }

    @Test func aClosedPortIsRefused() async throws {
        let port = try await ScriptedServer.run { $0.port }

        await #expect(throws: ClientError.refused(address: "127.0.0.1:\(port)")) {
            try await WebSocketClient.connect(url: "ws://127.0.0.1:\(port)/")
        }
    }

    @Test func anUnknownHostIsUnreachable() async throws {
        await #expect {
            try await WebSocketClient.connect(url: "ws://no-such-host.invalid/")
        } throws: {
            if case ClientError.unreachable("no-such-host.invalid:80", _) = $0 { true } else { false }
        }
    }
}
