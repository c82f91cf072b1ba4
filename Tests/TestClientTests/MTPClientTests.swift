// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import MTP
import NIOCore
import NIOWebSocket
import Synchronization
import TestClient
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct MTPClientTests {
    private static let alice = MTPCredentials(uuid: "1", authID: "token")

    private static func answer(_ type: String, _ status: MTPStatus = .ok, _ data: MTPData? = nil) -> String {
        text(MTPResponse(type: type, status, time: 0, data: data))
    }

    private static func text(_ response: MTPResponse) -> String {
        String(decoding: response.encoded(), as: UTF8.self)
    }

    /// A server that answers each request with the client_id of its message.
    private static func echo(_ peer: ScriptedServer.Peer, _ frame: String) {
        guard let request = try? MTPRequest(decoding: ByteBuffer(string: frame)) else { return peer.disconnect() }
        peer.send(text: answer(request.type, .ok, MTPData(message: request.data.message)))
    }

    @Test func everyTaskGetsTheAnswerToItsRequest() async throws {
        var script = ScriptedServer.Script()
        script.onFrame = { peer, opcode, text in
            if opcode == .text { Self.echo(peer, text) } else { peer.disconnect() }
        }
        try await ScriptedServer.run(script) { server in
            let client = try await MTPClient.connect(url: server.url())

            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in 0..<Int64(300) {
                    group.addTask {
                        let answer = try await client.request(
                            .sendMessage(as: Self.alice, flow: "7", MessageObject(clientID: id)))
                        #expect(answer.data?.message?.first?.clientID == id)
                    }
                }
                try await group.waitForAll()
            }
            await client.close()
        }
    }

    @Test func pushesAreKeptApartFromAnswers() async throws {
        let push = MTPResponse(
            type: "get_update", .ok, time: 0, data: MTPData(message: [MessageObject(uuid: "9")]),
            meta: MTPMeta(push: true, since: MTPCursor(position: 4).text))
        let answer = MTPResponse(type: "get_update", .ok, time: 0, meta: MTPMeta(since: MTPCursor(position: 3).text))
        var script = ScriptedServer.Script()
        script.onFrame = { peer, opcode, _ in
            guard opcode == .text else { return peer.disconnect() }
            peer.send(text: Self.text(push))
            peer.send(text: Self.text(answer))
            peer.send(text: Self.text(push))
        }
        try await ScriptedServer.run(script) { server in
            let client = try await MTPClient.connect(url: server.url())

            #expect(try await client.request(.getUpdate(as: Self.alice, time: 0, push: true)) == answer)
            var pushes = client.pushes.makeAsyncIterator()
            #expect(await pushes.next() == push)
            #expect(await pushes.next() == push)
            await client.close()
            #expect(await pushes.next() == nil)
        }
    }

    @Test func logInsGiveCredentialsOrTheRefusal() async throws {
        var script = ScriptedServer.Script()
        script.onFrame = { peer, opcode, text in
            guard opcode == .text, let request = try? MTPRequest(decoding: ByteBuffer(string: text)) else {
                return peer.disconnect()
            }
            let isRight = request.principal?.password == "right"
            let data = MTPData(user: [UserObject(uuid: "1", authID: request.principal?.login.map { JSONText($0) })])
            peer.send(text: Self.answer(request.type, isRight ? .created : .unauthorized, isRight ? data : nil))
        }
        try await ScriptedServer.run(script) { server in
            let client = try await MTPClient.connect(url: server.url())

            #expect(
                try await client.register(login: "alice", password: "right")
                    == MTPCredentials(uuid: "1", authID: "alice"))
            await #expect {
                try await client.authenticate(login: "alice", password: "wrong")
            } throws: {
                ($0 as? MTPClientRefusal)?.code == 401
            }
            await client.close()
        }
    }

    @Test func theEndOfTheConnectionFailsWhatWaits() async throws {
        var script = ScriptedServer.Script()
        let count = Atomic<Int>(0)
        script.onFrame = { peer, opcode, _ in
            guard opcode == .text else { return peer.disconnect() }
            if count.wrappingAdd(1, ordering: .relaxed).newValue == 3 { peer.sendClose(code: 1001, reason: "restart") }
        }
        try await ScriptedServer.run(script) { server in
            let client = try await MTPClient.connect(url: server.url())
            let ended = ClientError.closed(WebSocketClosure(code: 1001, reason: "restart"))

            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        await #expect(throws: ended) { try await client.request(.pingPong(as: Self.alice)) }
                    }
                }
            }
            await #expect(throws: ended) { try await client.request(.pingPong(as: Self.alice)) }
            #expect(client.closure?.code == 1001)
        }
    }

    @Test func aCancelledRequestDoesNotShiftTheOthers() async throws {
        let (requests, arrived) = AsyncStream.makeStream(of: ScriptedServer.Peer.self)
        var script = ScriptedServer.Script()
        script.onFrame = { peer, opcode, _ in
            if opcode == .text { arrived.yield(peer) } else { peer.disconnect() }
        }
        try await ScriptedServer.run(script) { server in
            let client = try await MTPClient.connect(url: server.url())
            var arrivals = requests.makeAsyncIterator()
            let first = Task { try await client.request(.pingPong(as: Self.alice)) }
            let peer = try #require(await arrivals.next())
            let second = Task { try await client.request(.allFlow(as: Self.alice)) }
            _ = await arrivals.next()

            first.cancel()
            await #expect(throws: ClientError.cancelled) { try await first.value }
            peer.send(text: Self.answer("ping_pong"))
            peer.send(text: Self.answer("all_flow", .notFound))

            #expect(try await second.value.type == "all_flow")
            await client.close()
        }
    }

    @Test func brokenAnswersGoToTheirRequest() async throws {
        var script = ScriptedServer.Script()
        script.onFrame = { peer, opcode, _ in
            if opcode == .text { peer.send(text: "not JSON") } else { peer.disconnect() }
        }
        try await ScriptedServer.run(script) { server in
            let client = try await MTPClient.connect(url: server.url())

            await #expect {
                try await client.request(frame: Array("{}".utf8))
            } throws: {
                if case ClientError.protocolViolation = $0 { true } else { false }
            }
            await client.close()
        }
    }

    @Test func buildersNameWhoAsksFirst() {
        let requests: [MTPRequest] = [
            .getUpdate(as: Self.alice), .sendMessage(as: Self.alice, flow: "7", MessageObject(clientID: 1)),
            .allMessages(as: Self.alice, flow: "7"), .addFlow(as: Self.alice, type: "group"), .allFlow(as: Self.alice),
            .userInfo(as: Self.alice, about: ["2"]), .deleteUser(as: Self.alice, login: "a", password: "b"),
            .deleteMessage(as: Self.alice, flow: "7", message: "8"),
            .editedMessage(as: Self.alice, message: "8", text: "x"), .pingPong(as: Self.alice),
        ]
        for request in requests {
            #expect(request.principal?.uuid == "1")
            #expect(request.principal?.authID == "token")
        }
        let named = [MTPRequest.registerUser(login: "a", password: "b"), .authentication(login: "a", password: "b")]
        #expect(
            named.allSatisfy {
                $0.principal?.login == "a" && $0.principal?.password == "b" && $0.principal?.authID == nil
            })
        #expect(Set((requests + named).compactMap(\.method)) == Set(MTPMethod.allCases))
    }
}
