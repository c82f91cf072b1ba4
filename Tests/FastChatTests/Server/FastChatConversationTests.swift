// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import JSON
import Storage
import TestClient
import TestSupport
import Testing
import Transport

@testable import FastChat

/// Direct messages between clients of the protocol, online and offline.
@Suite(.timeLimit(.minutes(10))) struct FastChatConversationTests {
    @Test func messagesAndPicturesReachTheOtherAndNobodyElse() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            let eight = try await world.register(8)

            try await seven.client.send("hello", to: 8)
            try await seven.client.send("iVBORw0KGgo=", to: 8, as: .image)
            try await eight.client.send("good day", to: 7)

            #expect(await eight.messages(2) == ["7: hello", "7: iVBORw0KGgo="])
            #expect(await seven.messages(1) == ["8: good day"])
        }
    }

    @Test func messagesArriveAsTheirSenderWroteThem() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            let socket = try await logIn(8, world)

            try await seven.client.connection.send(
                Array(
                    #"""
                    {"type":"msg","time":"yesterday","dest":"8","from":7,"message":"C+/=\n{","isgroup":0,"response":3,
                    "key":"K","mood":{"good":[1,2.5,null]}}
                    """#.utf8))

            let unit = try #require(await socket.reads.first { _ in true })
            #expect(
                String(decoding: unit, as: UTF8.self)
                    == #"[{"type":"msg","time":"yesterday","dest":8,"from":7,"message":"C+/=\n{","isgroup":0,"#
                    + #""response":3,"key":"K","mood":{"good":[1,2.5,null]}}]"#)
            await socket.close()
        }
    }

    @Test func whatWasSentWhileAwayComesFirstAndInOrder() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            let group = try await seven.client.createGroup(of: [8])
            await eight.client.close()
            for number in 0..<150 {
                if number.isMultiple(of: 2) {
                    try await seven.client.send("\(number)", to: 8)
                } else {
                    try await seven.client.send("\(number)", to: group)
                }
            }
            try await world.settle(seven)

            let back = try await world.logIn(8)
            try await seven.client.send("new", to: 8)

            let place = "7@\(group.rawValue)"
            #expect(
                await back.messages(151) == (0..<150).map { $0.isMultiple(of: 2) ? "7: \($0)" : "\(place): \($0)" }
                    + ["7: new"])
        }
    }

    @Test func whatWasReadDoesNotComeAgain() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            try await seven.client.send("read", to: 8)
            #expect(await eight.messages(1) == ["7: read"])
            // The answer is a unit of its own: when it is here, what was written before is acknowledged.
            _ = try await eight.client.key(of: 7)
            await eight.client.close()
            try await seven.client.send("not read", to: 8)
            try await world.settle(seven)

            let back = try await world.logIn(8)

            #expect(await back.messages(1) == ["7: not read"])
        }
    }

    @Test func everyDeviceOfTheOtherGetsTheMessageAndNoneOfTheSender() async throws {
        try await FastChatWorld.with { world in
            let seven = [try await world.register(7), try await world.logIn(7)]
            let eight = [try await world.register(8), try await world.logIn(8)]

            try await seven[0].client.send("one", to: 8)
            try await eight[1].client.send("two", to: 7)

            for member in eight { #expect(await member.messages(1) == ["7: one"]) }
            for member in seven { #expect(await member.messages(1) == ["8: two"]) }
        }
    }

    @Test(arguments: [1, 3, 1000]) func requestsMayComeInPiecesOrGlued(_ size: Int) async throws {
        try await FastChatWorld.with { world in
            let eight = try await world.register(8)
            let socket = try await logIn(7, world, registering: true)
            var bytes: [UInt8] = []
            for number in 0..<5 {
                let copy = FastChatCopy(recipient: 8, body: JSONText("\(number)"), key: "K")
                let header = FastChatHeader(kind: .text, sender: 7, time: "T")
                bytes += FastChatRequest.direct(FastChatMessage(header, copy)).encoded()
            }

            for start in stride(from: 0, to: bytes.count, by: size) {
                try await socket.send(Array(bytes[start..<min(start + size, bytes.count)]))
            }

            #expect(await eight.messages(5) == [String](repeating: "7: (closed)", count: 5))
            let flow = try await world.direct(world.principal(8), with: 7)
            #expect(try await world.texts(5, in: flow, for: world.principal(8)).count == 5)
            await socket.close()
        }
    }

    @Test func whatWaitsIsSentInFewArrays() async throws {
        var options = FastChatWorld.quick
        options.spacing = .milliseconds(20)
        try await FastChatWorld.with(options) { world in
            let seven = try await world.register(7)
            let socket = try await logIn(8, world, registering: true)

            for number in 0..<300 {
                let copy = FastChatCopy(
                    recipient: 8, body: JSONText(String(repeating: "x", count: 500)), key: JSONText("\(number)"))
                try await seven.client.send(
                    .direct(FastChatMessage(FastChatHeader(kind: .text, sender: 7, time: "T"), copy)))
            }

            var keys: [String] = []
            var largest = 0
            var units = 0
            // A large unit may come in several reads, and on a busy machine a read may find two.
            var splitter = FastChatSplitter()
            var reads = socket.reads.makeAsyncIterator()
            while keys.count < 300, let read = await reads.next() {
                for case .value(let unit) in splitter.receive(read) {
                    guard case .items(let items) = try FastChatServerUnit(decoding: unit) else { continue }
                    for case .message(let message) in items { keys.append(message.copy.key.string) }
                    largest = max(largest, unit.count)
                    units += 1
                }
            }
            #expect(keys == (0..<300).map(String.init))
            #expect(largest <= 32 << 10)
            #expect(units < 150)
            await socket.close()
        }
    }

    @Test func requestsThatMakeNoSenseAreRefusedAndStoreNothing() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            _ = try await world.register(8)
            let head = try await world.chat.head()
            let direct = #""time":"T","message":"C","isgroup":0,"response":0,"key":"K"}"#
            let requests: [(String, String)] = [
                (#"{"type":"msg","dest":9,"from":7,\#(direct)"#, "there is no such user"),
                (#"{"type":"msg","dest":7,"from":7,\#(direct)"#, "a chat has two different people"),
                (#"{"type":"msg","dest":8,"from":8,\#(direct)"#, "from must be the user who logged in"),
                (#"{"type":"msg","dest":8,\#(direct)"#, "from is missing: it must be an integer, 0 or more"),
                (#"{"type":"img","dest":[8],"from":7,\#(direct)"#, "dest must be an integer, 0 or more, not an array"),
                (#"{"type":"msg","dest":8,"from":7,"message":"C","time":"T"}"#, "key is missing: it must be a string"),
                (#"{"type":"dance"}"#, "type must be new, login, close, keys, msg or img"),
            ]

            for (request, detail) in requests {
                try await seven.client.connection.send(Array(request.utf8))
                #expect(await seven.notices(1) == ["Request refused: \(detail)"])
            }
            #expect(try await world.chat.head() == head)
            #expect(try await seven.client.key(of: 9) == nil)
        }
    }

    @Test func threeUnparseableValuesInARowEndTheConnection() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            for text in ["{bad}", "nonsense ", #"{"type":"dance"}"#, "{bad}", "[1,}", "}"] {
                try await seven.client.connection.send(Array(text.utf8))
            }

            let notices = await seven.notices(7)

            #expect(notices.count == 6)
            #expect(notices.allSatisfy { $0.hasPrefix("Request refused: ") })
            #expect(await seven.event() == nil)
        }
    }

    @Test func whatIsTooLargeIsSkipped() async throws {
        try await FastChatWorld.with { world in
            let socket = try await world.socket()
            var reads = socket.reads.makeAsyncIterator()
            try await socket.send(Array("{\"type\":\"\(String(repeating: "x", count: 70_000))\"}".utf8))
            #expect(await reads.next().map { String(decoding: $0, as: UTF8.self) }?.contains("at most 65536") == true)
            let key = try FastChatWorld.keys.get()[0].publicKey.pem
            try await socket.send(
                FastChatRequest.register(7, password: "pw", publicKey: key, sign: world.sign).encoded())
            #expect(await reads.next().map { String(decoding: $0, as: UTF8.self) }?.contains("Registered") == true)

            try await socket.send(Array("{\"type\":\"\(String(repeating: "x", count: 2 << 20))\"}".utf8))

            #expect(await reads.next().map { String(decoding: $0, as: UTF8.self) }?.contains("1048576") == true)
            await socket.close()
        }
    }

    @Test func whoEndsTheOutputGetsWhatIsInFlight() async throws {
        try await FastChatWorld.with { world in
            let eight = try await world.register(8)
            let seven = try await world.register(7)
            try await seven.client.send("last words", to: 8)
            await seven.client.connection.endOutput()

            #expect(await eight.messages(1) == ["7: last words"])
            #expect(await seven.event() == nil)
        }
    }

    @Test func aStoppingServerEndsItsConnections() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)

            await world.stop()

            #expect(await seven.event() == nil)
        }
    }

    @Test func aSlowReaderIsNotBufferedWithoutBoundAndMissesNothing() async throws {
        var options = FastChatWorld.quick
        options.outboundBytes = 64 << 10
        try await FastChatWorld.with(options) { world in
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            await eight.client.connection.setReading(false)
            let text = String(repeating: "long ", count: 4000)
            for number in 0..<400 { try await seven.client.send("\(number) \(text)", to: 8) }
            try await world.settle(seven)

            // Of ten megabytes the limit, and the page that went beyond it.
            let held = await world.heldBytes()
            #expect(held > 0 && held < 2 << 20)
            await eight.client.connection.setReading(true)

            #expect(await eight.messages(400) == (0..<400).map { "7: \($0) \(text)" })
        }
    }

    @Test func randomBytesHarmNobody() async throws {
        try await FastChatWorld.with { world in
            let eight = try await world.register(8)
            var random = SeededGenerator(seed: 3)
            let alphabet = Array(#"{}[]":,0123456789 \ntype msg from dest"#.utf8) + [0, 0xFF, 0xC3]

            for _ in 0..<20 {
                let socket = try await world.socket()
                let bytes = (0..<2000).map { _ in alphabet.randomElement(using: &random) ?? 0 }
                try? await socket.send(bytes)
                await socket.endOutput()
                for await _ in socket.reads {}
            }

            #expect(try await eight.client.key(of: 8) != nil)
            #expect(await becomesTrue { world.registry.inboundBudget.usedBytes == 0 })
        }
    }

    /// A connection for bytes on which a user is logged in.
    private func logIn(
        _ number: Int64, _ world: FastChatWorld, registering: Bool = false
    ) async throws -> MessengerSocket {
        let (user, key) = (FastChatUserNumber(number), try FastChatWorld.keys.get()[Int(number % 4)].publicKey.pem)
        if !registering { await (try await world.register(number)).client.close() }
        let socket = try await world.socket()
        let request: FastChatRequest =
            registering
            ? .register(user, password: ChatUnderTest.password, publicKey: key, sign: world.sign)
            : .logIn(user, password: ChatUnderTest.password, sign: world.sign)
        try await socket.send(request.encoded())
        let reply = try #require(await socket.reads.first { _ in true })
        #expect(try FastChatServerUnit(decoding: reply) == .reply(registering ? .registered : .loggedIn))
        return socket
    }
}
