// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import JSON
import NIOCore
import Storage
import Synchronization
import TestClient
import Testing
import Transport

@testable import Messenger

/// What reaches the clients: live, after a login, in which form, and when they are slow.
@Suite(.timeLimit(.minutes(10))) struct MessengerPushTests {
    private let password = ChatUnderTest.password

    // MARK: Live

    @Test func messagesReachEveryDeviceOfTheOtherAndNoneOfTheAuthor() async throws {
        try await MessengerWorld.with { world in
            let anna = [try await world.enter("anna"), try await world.enter("anna")]
            let bob = [try await world.enter("bob"), try await world.enter("bob")]

            try await anna[0].send("one", "two", to: "bob")
            try await bob[1].send("three", to: "anna")

            for device in bob { #expect(await device.messages(2) == ["anna: one", "anna: two"]) }
            for device in anna { #expect(await device.messages(1) == ["bob: three"]) }
        }
    }

    @Test func longTextIsSplitBetweenCharacters() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.enter("anna")
            let bob = try await world.enter("bob")
            let text = String(repeating: "é👋🏽", count: 2000)

            try await anna.send(text, to: "bob")

            var parts: [String] = []
            while parts.joined().utf8.count < text.utf8.count, case .message("anna", let part)? = await bob.push() {
                #expect(part.utf8.count + "anna".utf8.count + 2 <= MessengerUnit.maximumBytes)
                parts.append(part)
            }
            #expect(parts.joined() == text)
            #expect(parts.count == 5)
            #expect(parts.allSatisfy { $0.allSatisfy { $0 == "é" || $0 == "👋🏽" } })
        }
    }

    @Test func groupsAreShownWithTheirTitleAndWrittenToByNumber() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.enter("anna")
            let bob = try await world.enter("bob")
            let carl = try await world.test.register("carl").principal
            let principal = try world.principal(anna)
            let members = [principal, try world.principal(bob), carl]
            let titled = try await world.chat.createFlow(
                .group, title: "Old\rFriends", info: "", members: members.map(\.uuid), by: carl
            ).record
            let untitled = try await world.chat.createFlow(
                .group, title: "", info: "", members: members.map(\.uuid), by: carl
            ).record

            try await anna.send("Hi all", to: "#\(titled.id.rawValue)")
            try await world.test.send("from elsewhere", to: titled.uuid, by: carl)
            try await world.test.send("no title", to: untitled.uuid, by: carl)

            #expect(
                await bob.messages(3) == [
                    "anna: [Old\nFriends] Hi all", "carl: [Old\nFriends] from elsewhere",
                    "carl: [#\(untitled.id.rawValue)] no title",
                ])
            #expect(
                await anna.messages(2) == [
                    "carl: [Old\nFriends] from elsewhere", "carl: [#\(untitled.id.rawValue)] no title",
                ])
        }
    }

    @Test(arguments: MembershipCase.runs) func membershipDecidesWhatComes(
        in scene: MembershipCase, isConnected: Bool
    ) async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.test.register("anna").principal
            var bob = try await world.enter("bob")
            let group = try await MembershipCase.makeGroup(in: world.test, owner: anna)
            if !isConnected {
                await bob.client.close()
                await world.allLeft()
            }

            try await scene.play(
                in: world.test, group: group, owner: anna, member: try await world.chat.person(login: "bob"))

            if !isConnected { bob = try await world.enter("bob") }
            #expect(
                await bob.messages(scene.pushed.count + 1)
                    == scene.pushed.map { "anna: [group] \($0)" } + ["anna: \(MembershipCase.end)"])
        }
    }

    @Test func whatCannotBeShownIsAShortText() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.test.register("anna").principal
            let bob = try await world.enter("bob")
            let flow = try await world.chat.directFlow(with: world.chat.person(login: "bob"), by: anna).uuid
            var sealed = MessageContent(text: "sealed")
            sealed.encryption = "test"

            for content in [
                MessageContent(text: "one\r\ntwo\rthree\n"), MessageContent(text: ""),
                MessageContent(text: "", files: [.picture: JSONText("bytes")]), sealed, MessageContent(text: "end"),
            ] {
                try await world.test.send(content, to: flow, by: anna)
            }

            #expect(
                await bob.messages(4) == [
                    "anna: one\ntwo\nthree\n", "anna: [picture]", "anna: [encrypted message]", "anna: end",
                ])
        }
    }

    @Test func changesToOldMessagesAreNotPushed() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.test.register("anna").principal
            let bob = try await world.enter("bob")
            let flow = try await world.chat.directFlow(with: world.chat.person(login: "bob"), by: anna).uuid
            let sent = try await world.test.send("tpyo", to: flow, by: anna)
            #expect(await bob.messages(1) == ["anna: tpyo"])

            _ = try await world.chat.edit(sent.uuid, text: "typo", by: anna)
            _ = try await world.chat.delete(sent.uuid, in: flow, by: anna)
            try await world.test.send("end", to: flow, by: anna)

            #expect(await bob.messages(1) == ["anna: end"])
        }
    }

    // MARK: Offline

    @Test func missedMessagesComeInOrderAndOnce() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.enter("anna")
            try await world.test.register("bob")
            try await anna.send("1", "2", "3", to: "bob")

            let first = try await world.enter("bob")
            #expect(await first.messages(3) == ["anna: 1", "anna: 2", "anna: 3"])
            try await first.send("from bob", to: "anna")
            #expect(await anna.messages(1) == ["bob: from bob"])
            try await first.client.logOut()
            try await anna.send("4", "5", to: "bob")
            try await first.client.logIn("bob", password: password)
            try await anna.send("6", to: "bob")

            #expect(await first.messages(3) == ["anna: 4", "anna: 5", "anna: 6"])
        }
    }

    @Test func whatWasDeliveredBeforeADisconnectDoesNotComeAgain() async throws {
        try await MessengerWorld.with { world in
            let author = try await world.test.register("anna").principal
            let first = try await world.enter("bob")
            let flow = try await world.chat.directFlow(with: world.chat.person(login: "bob"), by: author).uuid
            try await world.test.send("1", to: flow, by: author)
            #expect(await first.messages(1) == ["anna: 1"])

            await first.client.close()
            await world.allLeft()
            try await world.test.send("2", to: flow, by: author)
            let second = try await world.enter("bob")

            #expect(await second.messages(1) == ["anna: 2"])
        }
    }

    @Test func newsOfManyFlowsComeInTheOrderOfTheLog() async throws {
        try await MessengerWorld.with { world in
            let authors = try await world.test.registerAll("anna", "carl", "dora")
            let bob = try await world.test.register("bob").principal
            var flows: [Identifier] = []
            for author in authors { flows.append(try await world.test.createFlow(members: [bob], by: author)) }
            var expected: [String] = []
            // More than one page.
            for number in 0..<150 {
                let author = number % 3
                try await world.test.send("\(number)", to: flows[author], by: authors[author])
                expected.append("\(["anna", "carl", "dora"][author]): [title] \(number)")
            }

            let device = try await world.enter("bob")

            #expect(await device.messages(150) == expected)
        }
    }

    // MARK: Slow readers

    @Test func peerThatDoesNotReadCostsBoundedMemoryAndMissesNothing() async throws {
        try await MessengerWorld.with { world in
            let slow = try await world.enter("bob")
            let quick = try await world.enter("bob")
            let author = try await world.test.register("anna").principal
            let flow = try await world.chat.directFlow(with: world.chat.person(login: "bob"), by: author).uuid
            await slow.client.connection.setReading(false)
            // More than the system keeps for a peer that has not read.
            let texts = (0..<400).map { "\($0) " + String(repeating: "x", count: 4000) }

            for text in texts { try await world.test.send(text, to: flow, by: author) }

            let all = texts.joined()
            #expect(await quick.text(bytes: all.utf8.count) == all)
            let held = try await state(of: slow, in: world)
            #expect(held.units > 0 && held.units <= 64)
            #expect(held.bytes <= 64 * MessengerUnit.maximumBytes)
            await slow.client.connection.setReading(true)
            #expect(await slow.text(bytes: all.utf8.count) == all)
        }
    }

    @Test func readThatFailsIsRepeated() async throws {
        try await MessengerWorld.with { world in
            let slow = try await world.enter("bob")
            let author = try await world.test.register("anna").principal
            let flow = try await world.chat.directFlow(with: world.chat.person(login: "bob"), by: author).uuid
            await slow.client.connection.setReading(false)
            let texts = (0..<300).map { "\($0) " + String(repeating: "x", count: 4000) }
            for text in texts { try await world.test.send(text, to: flow, by: author) }
            try #require(try await state(of: slow, in: world).units > 32)

            world.test.engine.setOutOfReach(true)
            await slow.client.connection.setReading(true)
            var text = await slow.text(bytes: texts.prefix(32).joined().utf8.count)
            world.test.engine.setOutOfReach(false)

            let all = texts.joined()
            text += await slow.text(bytes: all.utf8.count - text.utf8.count)
            #expect(text == all)
        }
    }

    /// What waits on a connection, once everything that was delivered has reached it.
    private func state(of device: Device, in world: MessengerWorld) async throws -> (units: Int, bytes: Int) {
        let key = try #require(device.client.key)
        let connection = try #require(world.service.keys.holder(of: key)?.session.connection)
        return await withCheckedContinuation { continuation in
            connection.eventLoop.execute {
                continuation.resume(returning: (connection.unacknowledgedUnits, connection.bufferedBytes))
            }
        }
    }

    // MARK: Spacing

    // The old client takes one read for one unit.
    @Test func eachReadIsOneUnit() async throws {
        let units = ["one", "two", "three"].map { Array("\u{2}anna\r\($0)".utf8) }
        var spacing = TimeAmount.milliseconds(200)
        while true {
            let (found, pause) = try await readUnits(units.joined().count, spacing: spacing)
            try #require(Array(found.joined()) == Array(units.joined()))
            // What comes is read after two pauses of the loop at most. A reader that was kept from it for longer than
            // the spacing may find two units together whatever the server does: that attempt tells nothing.
            if found == units || pause + pause < spacing {
                #expect(found == units)
                return
            }
            spacing = spacing + spacing
        }
    }

    /// Logs in where two messages wait and a third one comes.
    ///
    /// - Returns: What each read brought after the answer, until there are so many bytes, and the longest time between
    ///   two turns of the reader's loop.
    private func readUnits(
        _ count: Int, spacing: TimeAmount
    ) async throws -> (reads: [[UInt8]], longestPause: TimeAmount) {
        var options = MessengerWorld.quick
        options.spacing = Duration(spacing)
        var found: [[UInt8]] = []
        let turns = Mutex((last: NIODeadline.now(), longestPause: TimeAmount.zero))
        try await MessengerWorld.with(options) { world in
            let author = try await world.test.register("anna").principal
            try await world.test.register("bob")
            let flow = try await world.chat.directFlow(with: world.chat.person(login: "bob"), by: author).uuid
            for text in ["one", "two"] { try await world.test.send(text, to: flow, by: author) }
            var client = ClientOptions()
            let loop = client.group.next()
            client.group = loop
            let socket = try await MessengerSocket.connect(host: "127.0.0.1", port: world.port, options: client)
            var reads = socket.reads.makeAsyncIterator()
            turns.withLock { $0.last = .now() }
            let watch = loop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(5)) { _ in
                turns.withLock { turns in
                    let now = NIODeadline.now()
                    turns = (now, max(turns.longestPause, now - turns.last))
                }
            }
            defer { watch.cancel() }

            try await socket.send(MessengerRequest.logIn(login: "bob", password: password).encoded())
            let answer = try #require(await reads.next())
            try await world.test.send("three", to: flow, by: author)

            guard case .loggedIn? = MessengerAnswer(decoding: answer) else {
                Issue.record("\(answer)")
                return
            }
            while found.joined().count < count, let read = await reads.next() { found.append(read) }
            await socket.close()
        }
        return (found, turns.withLock { $0.longestPause })
    }

    @Test func unitsLeaveWhenTheLastIsAcknowledged() async throws {
        try await MessengerWorld.with { world in
            let author = try await world.test.register("anna").principal
            let bob = try await world.enter("bob")
            let principal = try world.principal(bob)
            let flow = try await world.chat.directFlow(with: world.chat.person(login: "bob"), by: author).uuid
            var last = Position.start
            for number in 0..<10 {
                last = try await world.test.send("\(number)", to: flow, by: author).receipt.position
            }
            #expect(await bob.messages(10).count == 10)

            // An answer comes after the units before it were acknowledged.
            try await bob.settled()

            #expect(try await world.chat.startPosition(of: MessengerService.name, for: principal) >= last)
        }
    }

    // MARK: Framing

    @Test func requestsInPiecesAndTogetherAreUnderstood() async throws {
        var options = MessengerWorld.quick
        // Only the end of the input ends a request.
        options.gatherTime = .milliseconds(900)
        try await MessengerWorld.with(options) { world in
            let socket = try await world.socket()
            var reads = socket.reads.makeAsyncIterator()

            for byte in MessengerRequest.signUp(email: "a@b.c", login: "anna", password: "pw").encoded() {
                try await socket.send([byte])
            }
            await socket.endOutput()

            #expect(await reads.next() == [0x00, 0x00])
            #expect(await reads.next() == nil)
        }
    }

    @Test func requestsThatComeTogetherAreAnsweredInOrder() async throws {
        try await MessengerWorld.with { world in
            try await world.test.register("bob")
            let anna = try await world.enter("anna")
            let principal = try world.principal(anna)
            let key = try #require(anna.client.key)
            let together: [MessengerRequest] = [
                .send(key, to: .login("bob"), text: "one"), .send(key, to: .login("bob"), text: "two"),
                .addContact(key, login: "bob"), .send(key, to: .login("bob"), text: "three"),
            ]
            try await anna.client.connection.send(together.flatMap { $0.encoded() })

            try await anna.client.logOut()

            #expect(try await world.texts(between: principal, and: "bob") == ["one", "two", "three"])
            #expect(try await world.chat.contacts(of: principal).map(\.person.login) == ["bob"])
        }
    }

    @Test func manyRequestsAtOnceAreAllAnswered() async throws {
        try await MessengerWorld.with { world in
            try await world.test.register("bob")
            let anna = try await world.enter("anna")
            let key = try #require(anna.client.key)
            _ = try await anna.client.add("bob")
            let principal = try world.principal(anna)
            let count = 500
            let requests = (0..<count).flatMap { _ in MessengerRequest.addContact(key, login: "nobody").encoded() }

            try await anna.client.connection.send(requests)
            let answer = try await anna.client.request(.logOut(key))

            // Reading stops while many wait, the answers wait for the peer, and nothing is lost.
            #expect(answer == .loggedOut)
            #expect(!world.chat.isOnline(principal.user))
        }
    }
}
