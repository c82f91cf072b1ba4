// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import JSON
import MTP
import NIOCore
import Storage
import Synchronization
import TestClient
import TestSupport
import Testing
import Transport

/// One connection: order, bad input, limits, and how it ends.
@Suite(.timeLimit(.minutes(10))) struct MTPSessionTests {
    // MARK: Order

    // spec: MTP, Order, cursor and push
    @Test(arguments: StorageKind.engines) func answersLeaveInTheOrderOfTheRequests(on kind: StorageKind) async throws {
        try await MTPServer.with(kind) { server in
            let alice = try await server.join("alice")
            let flow = try await alice.createFlow()
            let socket = try await WebSocketClient.connect(url: server.url)
            var expected: [String] = []

            for number in 0..<100 {
                let request: MTPRequest
                switch number % 5 {
                case 0: request = .pingPong(as: alice.credentials)
                case 1: request = .allMessages(as: alice.credentials, flow: flow, start: 0, end: 1)
                case 2: request = .userInfo(as: alice.credentials, about: ["1"])
                default: request = alice.message("\(number)", to: flow, clientID: Int64(number))
                }
                expected.append(number % 5 < 3 ? request.type : "\(number)")
                socket.enqueue(text: request.encoded())
            }
            var answers: [String] = []
            while answers.count < 100, let frame = try await socket.receive() {
                let answer = try MTPResponse(decoding: ByteBuffer(bytes: frame))
                answers.append(answer.data?.message?.first?.clientID.map { "\($0)" } ?? answer.type)
            }

            // What asks for messages comes after the sends before it, so it finds the first.
            #expect(answers.count == 100)
            for (answer, wanted) in zip(answers, expected) where wanted != "all_messages" { #expect(answer == wanted) }
            #expect(try await alice.texts(in: flow) == (0..<100).filter { $0 % 5 > 2 }.map { "\($0)" })
            await socket.close()
        }
    }

    @Test func aRequestSeesTheSendsBeforeIt() async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let flow = try await alice.createFlow()

            for round in 0..<20 {
                async let sent = alice.send("\(round)", to: flow)
                async let read = alice.texts(in: flow)
                _ = try await sent
                // Which of the two went first is the client's affair: the one or the other, never a part.
                #expect([round, round + 1].contains(try await read.count))
            }
        }
    }

    @Test func whoSendsTooMuchAtOnceIsReadLater() async throws {
        var options = MTPService.Options()
        options.requestsInFlight = 4
        try await MTPServer.with(options: options) { server in
            let alice = try await server.join("alice")
            let flow = try await alice.createFlow()
            let answers = Atomic(0)
            let socket = try await WebSocketClient.connect(
                url: server.url, onMessage: { _ in answers.add(1, ordering: .sequentiallyConsistent) })
            let text = String(repeating: "x", count: 16_000)

            server.test.engine.hold()
            for number in 0..<60 {
                socket.enqueue(text: alice.message("\(number) \(text)", to: flow, clientID: Int64(number)).encoded())
            }
            await server.test.engine.writeIsHeld()
            #expect(answers.load(ordering: .sequentiallyConsistent) == 0)
            server.test.engine.release()
            // Behind all of them: it is read when nearly all are answered.
            try await socket.ping()

            #expect(answers.load(ordering: .sequentiallyConsistent) >= 50)
            let numbers = try await alice.texts(in: flow).map { $0.prefix(while: { $0 != " " }) }
            #expect(numbers.starts(with: (0..<50).map { "\($0)" }))
            await socket.close()
        }
    }

    @Test func aMessageOfWhichNothingIsKnownIsNeitherAcknowledgedNorRefused() async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let flow = try await alice.createFlow()
            // Nobody is to wait for the look-up in vain.
            server.test.storage.beginClosing()
            server.test.engine.loseNextAnswer()

            let answer = try await alice.client.request(alice.message("perhaps", to: flow))
            let next = try await alice.client.request(alice.message("not", to: flow))

            #expect(answer.code == 504 && answer.detail?.contains("not known") == true)
            #expect(next.code == 503)
        }
    }

    @Test func framesComeGluedAndSplit() async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let flow = try await alice.createFlow()
            let socket = try await WebSocketClient.connect(url: server.url)
            func frame(_ text: String) -> [UInt8] {
                let buffer = WebSocketFrameBytes(opcode: 1).encoded(alice.message(text, to: flow).encoded())
                return Array(buffer: buffer)
            }

            try await socket.send(raw: (0..<20).flatMap { frame("glued \($0)") })
            for byte in frame("split") { try await socket.send(raw: [byte]) }
            // The end of one and the beginning of the next in one piece.
            let both = frame("first") + frame("second")
            try await socket.send(raw: Array(both.prefix(both.count / 2 + 5)))
            try await socket.send(raw: Array(both.dropFirst(both.count / 2 + 5)))
            for _ in 0..<23 {
                let frame = try #require(try await socket.receive())
                let answer = try MTPResponse(decoding: ByteBuffer(bytes: frame))
                #expect(answer.code == 200)
            }

            #expect(
                try await alice.texts(in: flow) == (0..<20).map { "glued \($0)" } + ["split", "first", "second"])
            await socket.close()
        }
    }

    // MARK: Bad input

    // spec: MTP, Order of checks on every frame
    @Test func badFramesAreAnsweredAndTheConnectionLives() async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            func answer(_ text: String) async throws -> String {
                let answer = try await alice.client.request(frame: Array(text.utf8))
                #expect(answer.meta == nil)
                return "\(answer.type) \(answer.code)"
            }
            let version = #""jsonapi":{"version":"1.0","revision":"17"}"#

            for text in [
                "", "{", "[]", "1", "null", #"{"type":1}"#, #"{"type":"ping_pong","data":[],\#(version)}"#, "\u{0}",
            ] {
                #expect(try await answer(text) == "error 415", "\(text)")
            }
            #expect(try await answer(#"{"type":"ping_pong","data":{},"jsonapi":{"version":"2.0"}}"#) == "error 505")
            #expect(try await answer(#"{"type":"nothing","data":{},\#(version)}"#) == "error 405")
            // The version before the method.
            #expect(try await answer(#"{"type":"nothing","data":{},"jsonapi":{"version":"0.9"}}"#) == "error 505")
            #expect(try await answer(#"{"type":"ping_pong","data":{},\#(version)}"#) == "ping_pong 401")
            #expect(
                try await answer(#"{"type":"get_update","data":{"time":0,"user":[]},\#(version)}"#) == "get_update 401")
            let deep = String(repeating: "[", count: 20_000)
            #expect(try await answer(#"{"type":"ping_pong","data":{"flow":\#(deep)"#) == "error 415")

            #expect(try await alice.client.request(.pingPong(as: alice.credentials)).code == 200)
            #expect(alice.client.closure == nil)
        }
    }

    @Test func framesThatAreNotTextEndTheConnection() async throws {
        try await MTPServer.with { server in
            let socket = try await WebSocketClient.connect(url: server.url)

            try await socket.send(frame: WebSocketFrameBytes(opcode: 2), payload: Array("{}".utf8))

            #expect(await socket.closed().code == 1003)
        }
    }

    @Test func whoIsUnknownMayNotSendMuch() async throws {
        var options = MTPService.Options()
        options.frameBytes = 200_000
        try await MTPServer.with(options: options) { server in
            let alice = try await server.join("alice")
            let flow = try await alice.createFlow()
            func send(fileBytes: Int) async throws -> MTPResponse {
                let file = JSONText(String(repeating: "f", count: fileBytes))
                return try await alice.client.request(
                    .sendMessage(
                        as: alice.credentials, flow: flow, MessageObject(clientID: 1, text: "", fileDocument: file)))
            }

            let unknown = try await WebSocketClient.connect(url: server.url)
            try await unknown.send(text: String(repeating: " ", count: 65_537))
            #expect(await unknown.closed().code == 1009)
            #expect(try await send(fileBytes: 190_000).code == 200)
            await #expect(throws: ClientError.self) { try await send(fileBytes: 200_001) }
            #expect(alice.client.closure?.code == 1009)
        }
    }

    @Test func nobodyActsForAnother() async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let thief = MTPCredentials(uuid: bob.uuid, authID: alice.credentials.authID)
            let requests: [MTPRequest] = [
                .pingPong(as: thief), .allFlow(as: thief), .userInfo(as: thief, about: [bob.uuid]),
                .deleteUser(as: thief, login: "bob", password: MTPPerson.password),
                .addFlow(as: thief, type: "group", users: [alice.uuid]),
                .pingPong(as: MTPCredentials(uuid: "x", authID: "y")),
            ]

            for request in requests {
                let answer = try await alice.client.request(request)
                #expect(answer.code == 401)
                #expect(answer.type == request.type)
                #expect(answer.data == nil)
            }
            // Nor does a password alone delete somebody else.
            let other = MTPRequest.deleteUser(as: alice.credentials, login: "bob", password: MTPPerson.password)
            #expect(try await alice.client.request(other).code == 401)

            #expect(try await bob.client.request(.pingPong(as: bob.credentials)).code == 200)
        }
    }

    @Test func aCodeIsSentInMeta() async throws {
        var policy = ChatPolicy()
        policy.registration = .invite
        try await MTPServer.with(policy: policy) { server in
            _ = try await server.test.chat.write(Write.CreateInvite(codeHash: TokenHash(of: "the code").bytes), by: nil)
            let client = try await server.connect()
            func register(_ invite: String?) async throws -> Int {
                var request = MTPRequest.registerUser(login: "alice", password: "secret")
                if let invite { request.meta = MTPMeta(invite: invite) }
                return try await client.request(request).code
            }

            #expect(try await register(nil) == 403)
            #expect(try await register("another") == 403)
            #expect(try await register("the code") == 201)
        }
    }

    // MARK: Ends

    @Test(arguments: StorageKind.engines) func aRevokedSessionIsClosed(on kind: StorageKind) async throws {
        try await MTPServer.with(kind) { server in
            let phone = try await server.join("alice")
            let desk = try await server.logIn("alice")
            for person in [phone, desk] { try await person.ask(.pingPong(as: person.credentials)) }
            let user = try await server.test.chat.person(login: "alice")
            let sessions = try await server.test.storage.sessions(of: user.id)
            let first = try #require(sessions.min { $0.id.rawValue < $1.id.rawValue })

            _ = try await server.test.chat.write(Write.RevokeSessions(user.id, first.id), by: nil)

            #expect(
                await phone.client.webSocket.closed()
                    == WebSocketClosure(code: 1008, reason: "The session was revoked."))
            #expect(try await desk.client.request(.pingPong(as: desk.credentials)).code == 200)
            let again = phone.on(try await server.connect())
            let answer = try await again.client.request(.pingPong(as: again.credentials))
            #expect(answer.code == 401)
            #expect(answer.detail?.contains("revoked") == true)
        }
    }

    @Test(arguments: StorageKind.engines) func whoDeletesTheirAccountGetsAnAnswer(on kind: StorageKind) async throws {
        try await MTPServer.with(kind) { server in
            let phone = try await server.join("alice")
            let desk = try await server.logIn("alice")
            try await desk.ask(.pingPong(as: desk.credentials))

            let wrong = MTPRequest.deleteUser(as: phone.credentials, login: "alice", password: "wrong")
            #expect(try await phone.client.request(wrong).code == 401)
            try await phone.ask(.deleteUser(as: phone.credentials, login: "alice", password: MTPPerson.password))

            #expect(await desk.client.webSocket.closed().code == 1008)
            #expect(try await phone.client.request(.pingPong(as: phone.credentials)).code == 401)
            // The connection may go on as somebody else.
            let again = try await phone.client.register(login: "alice", password: "another")
            #expect(again.uuid != phone.uuid)
            #expect(try await phone.client.request(.pingPong(as: again)).code == 200)
        }
    }

    @Test func whatIsInFlightIsAnsweredBeforeTheServerStops() async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let flow = try await alice.createFlow()
            let idle = try await server.connect()

            server.test.engine.hold()
            async let last = alice.client.request(alice.message("last", to: flow))
            await server.test.engine.writeIsHeld()
            // What is held may be another write, such as that of the cursors: the message counts until it is answered.
            #expect(await becomesTrue { server.server.registry.inboundBudget.usedBytes > 0 })
            await server.server.stop()
            let closure = await idle.webSocket.closed()
            #expect(closure.code == 1001)
            #expect(closure.reason == "The server is stopping. Connect again in a moment.")
            #expect(alice.client.closure == nil)
            server.test.engine.release()

            #expect(try await last.code == 200)
            #expect(await alice.client.webSocket.closed().code == 1001)
        }
    }
}
