// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import JSON
import Storage
import TestClient
import Testing

@testable import FastChat

/// People of other protocols and people with a FastChat client in the same conversations.
@Suite(.timeLimit(.minutes(10))) struct FastChatBridgeTests {
    private static let picture =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

    @Test func directMessagesCrossInBothDirections() async throws {
        try await FastChatWorld.with { world in
            let (anna, number) = try await world.registerElsewhere("anna")
            let seven = try await world.register(7)
            let flow = try await world.direct(anna, with: 7)

            try await world.test.send("hello seven", to: flow.uuid, by: anna)
            #expect(await seven.messages(1) == ["\(number): hello seven"])
            try await seven.client.send("hello anna", to: FastChatUserNumber(number))

            #expect(try await world.texts(2, in: flow, for: anna) == ["hello seven", "hello anna"])
            #expect(try await world.chat.flow(flow.uuid, for: anna).isBridged)
        }
    }

    @Test func whoIsAwayGetsMessagesOfOtherProtocolsEncryptedLater() async throws {
        try await FastChatWorld.with { world in
            let (anna, number) = try await world.registerElsewhere("anna")
            await (try await world.register(7)).client.close()
            let flow = try await world.direct(anna, with: 7)
            for text in ["one", "two"] { try await world.test.send(text, to: flow.uuid, by: anna) }

            let seven = try await world.logIn(7)

            #expect(await seven.messages(2) == ["\(number): one", "\(number): two"])
        }
    }

    @Test func keysAreHeldForPeopleOfOtherProtocols() async throws {
        try await FastChatWorld.with { world in
            try await world.test.register("anna")
            let number = FastChatUserNumber(try await world.chat.person(login: "anna").publicNumber)
            let seven = try await world.register(7)

            let key = try #require(try await seven.client.key(of: number))

            #expect(key.bits == 2048)
            #expect(try await seven.client.key(of: number) == key)
            #expect(try await seven.client.key(of: 8) == nil)
        }
    }

    @Test func whatDoesNotOpenIsToldToTheRecipientOnly() async throws {
        try await FastChatWorld.with { world in
            let (anna, number) = try await world.registerElsewhere("anna")
            let seven = try await world.register(7)
            let other = try FastChatWorld.keys.get()[1].publicKey
            var random = SecureRandom()
            let envelope = try HybridEnvelope(sealing: "for somebody else", for: other, using: &random)
            let copies = [("C", "K"), (envelope.message, envelope.key), ("", "")]
            for (body, key) in copies {
                let copy = FastChatCopy(
                    recipient: FastChatUserNumber(number), body: JSONText(body), key: JSONText(key))
                try await seven.client.send(
                    .direct(FastChatMessage(FastChatHeader(kind: .text, sender: 7, time: "T"), copy)))
            }
            try await seven.client.send("readable", to: FastChatUserNumber(number))

            let flow = try await world.direct(anna, with: 7)
            let unreadable = [String](repeating: "[unreadable message]", count: 3)
            #expect(try await world.texts(4, in: flow, for: anna) == unreadable + ["readable"])
            // Nothing but the answer to the request for the key came.
            await seven.client.close()
            #expect(await seven.event() == nil)
        }
    }

    /// It is encrypted beside the event loop, while others follow.
    @Test func aLargePictureKeepsItsPlace() async throws {
        try await FastChatWorld.with { world in
            let (anna, number) = try await world.registerElsewhere("anna")
            let seven = try await world.register(7)
            let flow = try await world.direct(anna, with: 7)
            let large = Self.picture.prefix(40) + String(repeating: "A", count: 200_000)
            try await world.test.send("0", to: flow.uuid, by: anna)
            #expect(await seven.messages(1) == ["\(number): 0"])

            for round in 1...3 {
                for content in [
                    MessageContent(text: "", files: [.picture: JSONText(String(large))]),
                    MessageContent(text: "\(round)"),
                ] {
                    _ = try await world.chat.submit(content, to: flow.uuid, by: anna)
                }
            }

            #expect(
                await seven.messages(6) == (1...3).flatMap { ["\(number): \(large)", "\(number): \($0)"] })
        }
    }

    @Test func picturesArePictures() async throws {
        try await FastChatWorld.with { world in
            let (anna, number) = try await world.registerElsewhere("anna")
            let seven = try await world.register(7)
            let flow = try await world.direct(anna, with: 7)

            try await seven.client.send(Self.picture, to: FastChatUserNumber(number), as: .image)
            try await seven.client.send("no picture", to: FastChatUserNumber(number), as: .image)
            let contents = try await world.contents(2, in: flow, for: anna)
            try await world.test.send(
                MessageContent(text: "look", files: [.picture: JSONText(Self.picture), .audio: "AAAA"]),
                to: flow.uuid, by: anna)

            #expect(contents[0].files[.picture]?.string == Self.picture)
            #expect(contents.map(\.readableText) == ["[picture]", "[picture]"])
            #expect(await seven.messages(2) == ["\(number): look\n[audio]", "\(number): \(Self.picture)"])
        }
    }

    @Test func textsThatCannotBeStoredAreMended() async throws {
        try await FastChatWorld.with { world in
            let (anna, number) = try await world.registerElsewhere("anna")
            let seven = try await world.register(7)
            let flow = try await world.direct(anna, with: 7)

            try await seven.client.send("a\0b", to: FastChatUserNumber(number))
            try await seven.client.send(String(repeating: "é", count: 40_000), to: FastChatUserNumber(number))

            let texts = try await world.texts(2, in: flow, for: anna)
            #expect(texts[0] == "a\u{FFFD}b")
            #expect(texts[1] == String(repeating: "é", count: (ChatLimits.textBytes - 3) / 2) + "…")
        }
    }

    @Test func aGroupOfBothKindsReadsEverything() async throws {
        try await FastChatWorld.with { world in
            let (anna, annaNumber) = try await world.registerElsewhere("anna")
            let (bob, bobNumber) = try await world.registerElsewhere("bob")
            let seven = try await world.register(7)
            let eight = try await world.register(8)

            let group = try await seven.client.createGroup(
                of: [8, FastChatUserNumber(annaNumber), FastChatUserNumber(bobNumber)])
            let flow = try await world.chat.flow(row: group.rawValue, for: anna)
            let place = "@\(group.rawValue)"
            let privacy =
                "Group \(group.rawValue) is not end to end: the server opens what is written to it, for members "
                + "without a FastChat client."
            #expect(await seven.notices(2).last == privacy)
            #expect(
                await eight.notices(2) == ["You have been added to group \(group.rawValue) by 7", privacy])
            try await seven.client.send("from seven", to: group)
            #expect(await eight.messages(1) == ["7\(place): from seven"])
            #expect(try await world.texts(1, in: flow, for: bob) == ["from seven"])
            try await world.test.send("from anna", to: flow.uuid, by: anna)
            #expect(await eight.messages(1) == ["\(annaNumber)\(place): from anna"])
            try await eight.client.send("from eight", to: group)

            #expect(await seven.messages(2) == ["\(annaNumber)\(place): from anna", "8\(place): from eight"])
            #expect(
                try await world.texts(3, in: flow, for: anna) == ["from seven", "from anna", "from eight"])
        }
    }

    @Test func recipientsWithAKeyGetWhatTheSenderEncryptedForThem() async throws {
        try await FastChatWorld.with { world in
            let (_, annaNumber) = try await world.registerElsewhere("anna")
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            let group = try await seven.client.createGroup(of: [8, FastChatUserNumber(annaNumber)])
            let key = try #require(try await seven.client.key(of: FastChatUserNumber(annaNumber)))
            var random = SecureRandom()
            let held = try HybridEnvelope(sealing: "open", for: key, using: &random)
            let own = try HybridEnvelope(
                sealing: "closed", for: FastChatWorld.keys.get()[0].publicKey, using: &random)
            let header = FastChatHeader(kind: .text, sender: 7, time: "noon", response: 4)

            try await seven.client.send(
                .group(
                    FastChatGroupMessage(
                        header, to: group,
                        copies: [
                            FastChatCopy(recipient: 8, body: JSONText(own.message), key: JSONText(own.key)),
                            FastChatCopy(
                                recipient: FastChatUserNumber(annaNumber), body: JSONText(held.message),
                                key: JSONText(held.key)),
                        ])))

            while let event = await eight.event() {
                guard case .message(let message) = event else { continue }
                #expect(
                    message
                        == FastChatReceived(kind: .text, sender: 7, group: group, time: "noon", text: "closed"))
                break
            }
        }
    }

    @Test func membersLearnWhenTheirGroupCeasesToBeEndToEnd() async throws {
        try await FastChatWorld.with { world in
            let (_, annaNumber) = try await world.registerElsewhere("anna")
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            let group = try await seven.client.createGroup(of: [8])
            #expect(await eight.notices(2).last?.contains("is end to end") == true)

            try await seven.client.add(FastChatUserNumber(annaNumber), to: group)

            #expect(await eight.notices(1).last?.contains("is not end to end") == true)
            let notices = await seven.notices(4)
            #expect(notices[2] == "You have added \(annaNumber) to group \(group.rawValue)")
            #expect(notices[3].contains("is not end to end"))
        }
    }

    @Test func usersWithoutAKeyWhoseNumberDoesNotSaySoAreTold() async throws {
        try await FastChatWorld.with { world in
            let (anna, number) = try await world.registerElsewhere("42")
            #expect(number == 42)
            let seven = try await world.register(7)

            try await seven.client.send("one", to: 42)
            try await seven.client.send("two", to: 42)

            #expect(await seven.notices(1).first?.hasPrefix("Messages to 42 are not end to end") == true)
            let flow = try await world.direct(anna, with: 7)
            #expect(try await world.texts(2, in: flow, for: anna) == ["one", "two"])
            await seven.client.close()
            #expect(await seven.event() == nil)
        }
    }

    @Test func othersSeeThatThereIsAnEncryptedMessage() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            _ = try await world.register(8)
            let principal = try await world.principal(8)

            try await seven.client.send("secret", to: 8)

            let flow = try await world.direct(principal, with: 7)
            let contents = try await world.contents(1, in: flow, for: principal)
            #expect(contents.map(\.readableText) == ["[encrypted message]"])
            #expect(try await !world.chat.flow(flow.uuid, for: principal).isBridged)
        }
    }

    @Test func publicGroupsAreReadAndWrittenTo() async throws {
        try await FastChatWorld.with { world in
            let (anna, number) = try await world.registerElsewhere("anna")
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            let uuid = try await world.test.createFlow(by: anna)
            let flow = try await world.chat.flow(uuid, for: anna)
            let group = FastChatGroupNumber(flow.id.rawValue)

            try await world.test.send("to everybody", to: uuid, by: anna)
            #expect(await seven.messages(1) == ["\(number)@\(group.rawValue): to everybody"])
            try await seven.client.send("from seven", to: group)

            #expect(try await world.texts(2, in: flow, for: anna) == ["to everybody", "from seven"])
            #expect(
                await eight.messages(2) == [
                    "\(number)@\(group.rawValue): to everybody", "7@\(group.rawValue): from seven",
                ])
        }
    }

    @Test func withoutTheBridgePeopleOfOtherProtocolsCannotBeWrittenTo() async throws {
        var options = FastChatWorld.quick
        options.isBridged = false
        try await FastChatWorld.with(options) { world in
            let (anna, number) = try await world.registerElsewhere("anna")
            let user = FastChatUserNumber(number)
            let seven = try await world.register(7)
            _ = try await world.register(8)
            let copy = FastChatCopy(recipient: user, body: "C", key: "K")
            let header = FastChatHeader(kind: .text, sender: 7, time: "T")

            #expect(try await seven.client.key(of: user) == nil)
            try await seven.client.send(.direct(FastChatMessage(header, copy)))
            #expect(await seven.notices(1) == ["Request refused: user \(number) has no key, and the bridge is off"])
            await #expect(throws: FastChatClientFailure.self) { try await seven.client.createGroup(of: [8, user]) }
            let group = try await seven.client.createGroup(of: [8])
            await #expect(throws: FastChatClientFailure.self) { try await seven.client.add(user, to: group) }
            let titled = try await world.test.createFlow(members: [anna, world.principal(7)], by: anna)
            let mixed = FastChatGroupNumber(try await world.chat.flow(titled, for: anna).id.rawValue)
            #expect(try await seven.client.keys(of: mixed)?.isEmpty == true)
            try await seven.client.send(.group(FastChatGroupMessage(header, to: mixed, copies: [copy])))
            try await world.settle(seven)
            #expect(try await world.test.texts(in: titled, for: anna) == [])
        }
    }
}

/// What is told apart and kept without a server.
struct FastChatBridgePartTests {
    @Test(arguments: [
        ("iVBORw0KGgo=", true), ("/9j/AAAA", true), ("R0lGODlh", true), ("iVBORw0KGgo", false), ("hello", false),
        ("iVBORw0KGgo= ", false), ("iVBORw0K\nGgo=\n", true), ("iVBORw0K=Ggo", false), ("", false),
    ])
    func picturesAreKnownByTheirBase64(_ text: String, _ isPicture: Bool) {
        #expect(FastChatPicture.isPlausible(text) == isPicture)
    }

    @Test func longHeadersAreNotKeptWithEachBody() throws {
        let long = String(repeating: "x", count: 5000)
        let header = FastChatHeader(
            kind: .image, sender: 7, time: long, others: [.init(name: "long", json: Array("\"\(long)\"".utf8))])
        let copy = FastChatCopy(recipient: 8, body: "C\nD", key: "K")

        let body = FastChatStored.body(copy, for: UserID(1), header: header)
        let message = FastChatStored.message(
            MessageBody(body: body.body, key: body.key), of: MessageContent(text: "open"), sender: 7, group: nil,
            for: 8)

        #expect(body.body.count < 100)
        #expect(message == FastChatMessage(FastChatHeader(kind: .image, sender: 7, time: ""), copy))
    }

    @Test func bodiesOfAnotherFormAreNotShown() {
        for text in ["", "no line end", "\nC", "{bad}\nC", "{\"type\":\"dance\",\"time\":\"\"}\nC"] {
            let message = FastChatStored.message(
                MessageBody(body: Array(text.utf8), key: []), of: MessageContent(text: "open"), sender: 7, group: nil,
                for: 8)

            #expect(message == nil)
        }
    }
}
