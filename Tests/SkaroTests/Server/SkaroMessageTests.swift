// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import Chat
import ChatTesting
import Credentials
import JSON
import Skaro
import Storage
import TestClient
import Testing

/// Messages: to people, to groups, and out of the history.
@Suite(.timeLimit(.minutes(10))) struct SkaroMessageTests {
    @Test func messageReachesTheOtherSideAsItIsStored() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")

            let stored = try await alice.client.send("Hello, Bob! \u{1F600}", to: "BOB")
            let shown = try await bob.message()

            #expect((stored.from, stored.to, stored.flow) == ("alice", "bob", nil))
            #expect(stored.body == "Hello, Bob! \u{1F600}")
            #expect(stored.time == server.test.wallClock.now.seconds)
            #expect(shown == stored)
            let answer = try await bob.client.send("Hello, Alice!", to: "alice")
            #expect(try await alice.message() == answer)
        }
    }

    @Test func aMessageOfWhichNothingIsKnownIsNeitherAcknowledgedNorRefused() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            _ = try await server.join("bob")
            try await alice.client.send("first", to: "bob")
            // Nobody is to wait for the look-up in vain.
            server.test.storage.beginClosing()
            server.test.engine.loseNextAnswer()

            await #expect {
                try await alice.client.send("perhaps", to: "bob")
            } throws: {
                ($0 as? SkaroDenial)?.status == "504 Gateway Timeout"
            }
            await #expect {
                try await alice.client.send("not", to: "bob")
            } throws: {
                ($0 as? SkaroDenial)?.status == "503 Service Unavailable"
            }
        }
    }

    @Test func ownMessagesGoToTheOtherConnectionsOnly() async throws {
        try await SkaroServer.with { server in
            let phone = try await server.join("alice")
            let desk = try await server.logIn("alice")
            let bob = try await server.join("bob")

            var sent: [SkaroMessage] = []
            for number in 0..<20 { sent.append(try await phone.client.send("\(number)", to: "bob")) }
            for message in sent {
                #expect(try await desk.message() == message)
                #expect(try await bob.message() == message)
            }
            let reply = try await bob.client.send("enough", to: "alice")

            // The first push of all on the phone.
            #expect(try await phone.message() == reply)
            #expect(try await desk.message() == reply)
        }
    }

    @Test func manyMessagesInFlightAtOnceKeepTheirOrder() async throws {
        try await SkaroServer.with { server in
            try await server.test.register("alice")
            let bob = try await server.join("bob")
            let socket = try await WebSocketClient.connect(url: server.url)
            func next() async throws -> CBORValue {
                try CBORValue(decoding: try #require(try await socket.receive()))
            }
            func send(_ call: SkaroCall, id: Int64) async throws {
                try await socket.send(
                    frame: WebSocketFrameBytes(opcode: 2), payload: call.encoded(id: .int(id)))
            }
            let token = try #require(try await next()["token"]?.text)
            let proof = HMACChallenge(Password(ChatUnderTest.password)).answer(to: token)
            try await send(.authorize(login: "alice", proof: proof), id: 0)
            let bodies = (1...200).map { "\($0)" }
            for (number, body) in bodies.enumerated() {
                try await send(.sendMessage(to: "bob", body: body), id: Int64(number + 1))
            }

            // Nothing but the answers, in the order of the requests: what one wrote is not shown to oneself.
            for id in 0...200 {
                let answer = try await next()
                #expect(answer["type"] == "request")
                #expect(answer["id"] == .int(Int64(id)))
                #expect(answer["status"] == "200 OK")
            }
            #expect(try await bob.bodies(200) == bodies)
            let reply = try await bob.client.send("enough", to: "alice")
            #expect(SkaroMessage(try await next()) == reply)
        }
    }

    @Test func changedProfilesDelayNoMessage() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            for number in 0..<20 {
                // Neither of them is in the server's memory after that.
                _ = try await alice.ask(.updateMyData(SkaroProfile(bio: "\(number)")))
                _ = try await bob.ask(.updateMyData(SkaroProfile(bio: "\(number)")))
                let stored = try await alice.client.send("\(number)", to: "bob")

                #expect(try await bob.message() == stored)
            }
        }
    }

    @Test func groupIsNamedByItsUUID() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let group = try await server.test.createFlow(
                members: [try await server.principal("bob")], by: try await server.principal("alice")
            ).description

            let stored = try await alice.client.send("Hello, all!", to: group)

            #expect((stored.from, stored.to, stored.flow) == ("alice", group, group))
            #expect(try await bob.message() == stored)
            #expect(try await bob.ask(.getHistory(dialog: group, before: nil, limit: nil)).history == [stored])
        }
    }

    @Test func loginOfDigitsDoesNotHideAGroup() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.principal("alice")
            let group = try await server.test.createFlow(members: [bob], by: bob).description
            let thief = try await server.join(group)

            let stored = try await alice.client.send("secret", to: group)
            #expect(stored.flow == group)
            // Who does not see the group means the person.
            let digits = try await server.join("12345")
            #expect(try await digits.client.send("Hello!", to: group).flow == nil)
            #expect(try await thief.message().from == "12345")
        }
    }

    @Test func sendingIsRefusedWithItsReason() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let owner = try await server.principal("alice")
            let channel = try await server.test.createFlow(.channel, by: owner).description
            let hidden = try await server.test.createFlow(members: [owner], by: owner).description

            #expect(try await bob.refusal(.sendMessage(to: "nobody", body: "x")) == 404)
            #expect(try await bob.refusal(.sendMessage(to: hidden, body: "x")) == 404)
            #expect(try await bob.refusal(.sendMessage(to: channel, body: "x")) == 403)
            #expect(try await bob.refusal(.sendMessage(to: "bob", body: "x")) == 403)
            #expect(try await bob.refusal(.sendMessage(to: "alice", body: "a\0b")) == 400)
            let long = String(repeating: "x", count: ChatLimits.textBytes)
            #expect(try await bob.refusal(.sendMessage(to: "alice", body: long + "x")) == 413)
            #expect(try await bob.client.send(long, to: "alice").body == long)
            #expect(try await alice.message().body == long)
            #expect(try await alice.client.send("news", to: channel).flow == channel)
            #expect(try await bob.message().body == "news")
        }
    }

    @Test func fieldsAreCheckedByName() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            for (fields, name) in [
                (["type": "send_message", "to": "bob"], "body"),
                (["type": "send_message", "to": 7, "body": "x"], "to"),
                (["type": "get_history", "login": "bob", "limit": 0], "limit"),
                (["type": "get_history"], "login"),
                (["type": "search_contacts", "query": .null], "query"),
            ] as [(CBORValue, String)] {
                let answer = try await alice.client.request(fields)
                #expect(answer.status == "400 Bad Request")
                #expect(answer.info?.hasPrefix(name) == true)
            }
        }
    }

    @Test func otherProtocolsMessagesBecomeReadable() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.test.register("alice").principal
            let bob = try await server.join("bob")
            let flow = try await server.chat.directFlow(with: try await server.chat.person(login: "bob"), by: alice)
                .uuid
            let large = JSONText(String(repeating: "A", count: 500_000))
            try await server.test.send(
                MessageContent(text: "Look", files: [.picture: "YQ==", .document: "Yg=="]), to: flow, by: alice)
            try await server.test.send(MessageContent(text: "", files: [.video: large]), to: flow, by: alice)
            try await server.test.send(MessageContent(text: "", emoji: "\u{1F44D}"), to: flow, by: alice)
            var secret = MessageContent(text: "gibberish")
            secret.encryption = "fastchat"
            try await server.test.send(secret, to: flow, by: alice)

            let expected = ["Look\n[picture] [document]", "[video]", "\u{1F44D}", "[encrypted message]"]
            #expect(try await bob.bodies(4) == expected)
            let history = try await bob.ask(.getHistory(dialog: "alice", before: nil, limit: nil)).history
            #expect(history?.map(\.body) == expected)
        }
    }

    // MARK: History

    @Test func historyIsPagedBackwards() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            var sent: [SkaroMessage] = []
            for number in 0..<25 {
                server.test.wallClock.advance(milliseconds: 1000)
                sent.append(
                    try await (number % 2 == 0 ? alice : bob).client.send(
                        "\(number)", to: number % 2 == 0 ? "bob" : "alice"))
            }
            func page(_ before: SkaroHistoryBound?, _ limit: Int?) async throws -> [SkaroMessage]? {
                try await alice.ask(.getHistory(dialog: "bob", before: before, limit: limit)).history
            }

            #expect(try await page(nil, nil) == sent)
            #expect(try await page(nil, 10) == Array(sent[15...]))
            #expect(try await page(.message(sent[15].id), 10) == Array(sent[5..<15]))
            #expect(try await page(.message(sent[5].id), 10) == Array(sent[..<5]))
            #expect(try await page(.message(sent[0].id), 10) == [])
            #expect(try await page(.time(sent[15].time), 3) == Array(sent[12..<15]))
            #expect(try await page(.time(0), nil) == [])
            #expect(try await page(.time(.max), 1) == [sent[24]])
            #expect(try await bob.ask(.getHistory(dialog: "alice", before: nil, limit: nil)).history == sent)
        }
    }

    @Test func historyShowsEditsAndDeletions() async throws {
        try await SkaroServer.with { server in
            let principal = try await server.test.register("alice").principal
            let bob = try await server.join("bob")
            let flow = try await server.chat.directFlow(with: try await server.chat.person(login: "bob"), by: principal)
                .uuid
            let first = try await server.test.send("first", to: flow, by: principal)
            let second = try await server.test.send("second", to: flow, by: principal)
            #expect(try await bob.bodies(2) == ["first", "second"])

            _ = try await server.chat.edit(first.uuid, text: "edited", by: principal)
            _ = try await server.chat.delete(second.uuid, in: flow, by: principal)
            try await server.test.send("third", to: flow, by: principal)

            // Changes are not pushed.
            #expect(try await bob.bodies(1) == ["third"])
            let history = try await bob.ask(.getHistory(dialog: "alice", before: nil, limit: nil)).history
            #expect(history?.map(\.body) == ["edited", "Message deleted", "third"])
        }
    }

    @Test func historyOfWhatIsNotThere() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let carol = try await server.join("carol")
            let elsewhere = try await bob.client.send("Hello!", to: "carol")
            _ = try await carol.message()
            func code(_ dialog: String, _ before: SkaroHistoryBound? = nil) async throws -> Int {
                try await alice.client.request(.getHistory(dialog: dialog, before: before, limit: nil)).code
            }

            #expect(try await alice.ask(.getHistory(dialog: "bob", before: nil, limit: 1)).history == [])
            #expect(try await alice.ask(.getHistory(dialog: "alice", before: nil, limit: 1)).history == [])
            #expect(try await code("nobody") == 404)
            #expect(try await code("123456") == 404)
            #expect(try await code("bob", .message(elsewhere.id)) == 404)
            #expect(try await code("bob", .message("none")) == 404)
            // Looking makes no conversation.
            #expect(try await server.chat.storage.counts().flows == 1)
            _ = try await alice.client.send("Hi!", to: "bob")
            #expect(try await code("bob", .message(elsewhere.id)) == 404)
        }
    }

    @Test func historyWithLargeFilesIsWhole() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.test.register("alice").principal
            let bob = try await server.join("bob")
            let flow = try await server.chat.directFlow(with: try await server.chat.person(login: "bob"), by: alice)
                .uuid
            // Together more than the store reads at once.
            let large = JSONText(String(repeating: "A", count: 12 << 20))
            for number in 0..<5 {
                try await server.test.send(
                    MessageContent(text: "\(number)", files: [.video: large]), to: flow, by: alice)
            }

            let expected = (0..<5).map { "\($0)\n[video]" }
            #expect(try await bob.bodies(5) == expected)
            let history = try await bob.ask(.getHistory(dialog: "alice", before: nil, limit: nil)).history
            #expect(history?.map(\.body) == expected)
        }
    }

    @Test func historyHoldsAsManyAsTheServerAllows() async throws {
        var options = SkaroService.Options()
        options.messagesPerAnswer = 5
        try await SkaroServer.with(options: options) { server in
            let alice = try await server.join("alice")
            _ = try await server.test.register("bob")
            for number in 0..<7 { _ = try await alice.client.send("\(number)", to: "bob") }

            let history = try await alice.ask(.getHistory(dialog: "bob", before: nil, limit: 1_000_000)).history

            #expect(history?.map(\.body) == ["2", "3", "4", "5", "6"])
        }
    }
}
