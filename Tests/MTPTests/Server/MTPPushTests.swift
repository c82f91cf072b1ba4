// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import JSON
import MTP
import Storage
import TestClient
import Testing
import Transport

@testable import Chat

/// What the server sends of its own accord after `meta.push`.
@Suite(.timeLimit(.minutes(10))) struct MTPPushTests {
    // spec: MTP, Order, cursor and push
    @Test(arguments: StorageKind.engines) func whatOthersDoIsPushedInOrder(on kind: StorageKind) async throws {
        try await MTPServer.with(kind) { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let flow = try await alice.createFlow(users: [bob])
            try await alice.send("before", to: flow)
            try await bob.switchPushOn()

            for number in 0..<20 { try await alice.send("\(number)", to: flow, clientID: Int64(number)) }

            var messages: [MessageObject] = []
            while messages.count < 20 {
                let push = try await bob.nextPush()
                #expect(push.type == "get_update")
                #expect(push.code == 200)
                #expect(push.meta?.push == true)
                #expect(push.meta?.since != nil)
                messages += push.data?.message ?? []
            }
            #expect(messages.map(\.text) == (0..<20).map { JSONText("\($0)") })
            #expect(messages.map(\.clientID) == (0..<20).map { Int64($0) })
            #expect(messages.allSatisfy { $0.fromUser?.description == alice.uuid && $0.fromFlow?.description == flow })
        }
    }

    /// Who has not asked for pushes could not tell one from an answer.
    @Test func whatTheOperatorAnnouncesIsPushedToWhoWantsPushes() async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            try await alice.switchPushOn()
            server.test.chat.hub.announce("Down at 8.")
            let push = try await alice.nextPush()
            #expect(push.type == "get_update" && push.meta?.push == true && push.meta?.since != nil)
            #expect(push.meta?.notice == "Down at 8.")

            let bob = try await server.join("bob")
            #expect(try await bob.ask(.pingPong(as: bob.credentials)).type == "ping_pong")
            try await bob.switchPushOn()
            #expect(try await bob.nextPush().meta?.notice == "Down at 8.")
        }
    }

    @Test(arguments: StorageKind.engines) func changesOfAllKindsArePushed(on kind: StorageKind) async throws {
        try await MTPServer.with(kind) { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            try await bob.switchPushOn()
            func pushed() async throws -> MTPData { try #require(try await bob.nextPush().data) }

            let flow = try await alice.createFlow(users: [bob])
            #expect(try await pushed().flow?.map(\.uuid?.description) == [flow])
            let message = try await alice.send("text", to: flow)
            #expect(try await pushed().message?.map(\.uuid?.description) == [message])
            try await alice.ask(.editedMessage(as: alice.credentials, message: message, text: "edited"))
            let edited = try #require(try await pushed().message?.first)
            #expect(edited.text == "edited")
            #expect(edited.editedStatus == true)
            try await alice.ask(.deleteMessage(as: alice.credentials, flow: flow, message: message))
            #expect(try await pushed().message?.first?.text == JSONText(Message.deletedText))
            let carol = try await server.join("carol")
            #expect(try await pushed().user?.map(\.uuid?.description) == [carol.uuid])
            // Nothing of what is none of bob's business comes before this.
            let secret = try await alice.createFlow(users: [carol])
            try await carol.send("secret", to: secret)
            try await alice.send("for bob", to: flow)
            let last = try await pushed()
            #expect(last.message?.map(\.text) == ["for bob"])
            #expect(last.flow?.isEmpty == true)
        }
    }

    /// A client that was connected all the time is not told of each, and reads what everybody reads.
    @Test(arguments: StorageKind.engines) func oldMessagesGoWithoutAPush(on kind: StorageKind) async throws {
        try await MTPServer.with(kind) { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let flow = try await alice.createFlow(users: [bob])
            try await alice.send("old 0", to: flow)
            try await alice.send("old 1", to: flow)
            let since = try await bob.switchPushOn()
            server.test.wallClock.advance(milliseconds: 7_200_000)

            var expiry = try await MessageExpiry(of: server.test.chat, keeping: [.group: .seconds(3600)])
            while try await expiry.step() {}
            try await alice.send("new", to: flow)

            #expect(try await bob.nextPush().data?.message?.map(\.text) == ["new"])
            let gone = Message.deletedText
            #expect(try await bob.texts(in: flow) == [gone, gone, "new"])
            // One that was away comes to the same.
            let later = try await server.logIn("bob")
            #expect(try await later.texts(in: flow) == [gone, gone, "new"])
            let update = try await later.ask(.getUpdate(as: later.credentials, since: since))
            #expect(update.data?.message?.map(\.text) == ["new"])
        }
    }

    /// The answer to a send and the delivery of the same message race for the connection.
    @Test(arguments: StorageKind.engines) func whatOneDoesOneselfIsNotPushed(on kind: StorageKind) async throws {
        try await MTPServer.with(kind) { server in
            let alice = try await server.join("alice")
            let desk = try await server.logIn("alice")
            let bob = try await server.join("bob")
            let flow = try await alice.createFlow(users: [bob])
            for person in [alice, desk] { try await person.switchPushOn() }

            var texts: [String] = []
            for number in 0..<150 {
                texts.append("own \(number)")
                try await alice.send("own \(number)", to: flow)
                guard number % 10 == 9 else { continue }
                texts.append("bob's \(number)")
                try await bob.send("bob's \(number)", to: flow)
            }

            let others = texts.filter { $0.hasPrefix("bob's") }
            let pushed = try await alice.pushedTexts(upTo: "bob's 149")
            #expect(pushed.filter { $0.hasPrefix("bob's") } == others)
            #expect(pushed == others)
            // Another connection of the account is another device.
            #expect(try await desk.pushedTexts(upTo: "bob's 149") == texts)
        }
    }

    @Test func pushBeginsAfterTheAnswerThatSwitchedItOn() async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let flow = try await alice.createFlow(users: [bob])
            let start = try await bob.ask(.getUpdate(as: bob.credentials, time: 0, push: nil))
            #expect(start.meta == nil, "meta is only for those who use it")
            try await alice.send("1", to: flow)

            // The page holds everything up to its cursor; what follows is pushed.
            let page = try await bob.ask(.getUpdate(as: bob.credentials, time: 0, push: true))
            #expect(page.data?.message?.map(\.text) == ["1"])
            try await alice.send("2", to: flow)
            #expect(try await bob.pushedTexts(upTo: "2") == ["2"])
        }
    }

    @Test(arguments: StorageKind.engines) func whoComesBackGoesOnWithoutAGap(on kind: StorageKind) async throws {
        try await MTPServer.with(kind) { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let flow = try await alice.createFlow(users: [bob])
            try await bob.switchPushOn()
            try await alice.send("1", to: flow)
            let push = try await bob.nextPush()
            #expect(push.data?.message?.map(\.text) == ["1"])
            await bob.client.close()
            for text in ["2", "3"] { try await alice.send(text, to: flow) }

            let again = bob.on(try await server.connect())
            let missed = try await again.ask(.getUpdate(as: again.credentials, since: push.meta?.since, push: true))
            #expect(missed.data?.message?.map(\.text) == ["2", "3"])
            try await alice.send("4", to: flow)

            #expect(try await again.pushedTexts(upTo: "4") == ["4"])
            #expect(try await again.client.request(.getUpdate(as: again.credentials, since: "nonsense")).code == 400)
        }
    }

    @Test(arguments: StorageKind.engines) func whoIsRemovedIsToldOfNothingMore(on kind: StorageKind) async throws {
        try await MTPServer.with(kind) { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let flow = try await alice.createFlow(users: [bob])
            let open = try await alice.createFlow()
            try await bob.switchPushOn()
            try await alice.send("1", to: flow)
            #expect(try await bob.pushedTexts(upTo: "1") == ["1"])
            let person = try await server.test.chat.person(login: "bob")
            let uuid = try #require(Identifier(decimal: flow))
            let id = try #require(try await server.test.storage.flow(uuid: uuid)).id

            _ = try await server.test.chat.write(Write.RemoveMember(id, person.id), by: nil)
            try await alice.send("secret", to: flow)
            try await alice.send("for all", to: open)

            #expect(try await bob.pushedTexts(upTo: "for all") == ["for all"])
            #expect(try await bob.client.request(bob.message("no", to: flow)).code == 404)
        }
    }

    /// Who is away asks when they are back; whoever asks gets what they may read.
    @Test(arguments: MembershipCase.runs) func membershipDecidesWhatComes(
        in scene: MembershipCase, isConnected: Bool
    ) async throws {
        try await MTPServer.with { server in
            let test = server.test
            let bob = try await server.join("bob")
            let owner = try await test.register("alice").principal
            let group = try await MembershipCase.makeGroup(in: test, owner: owner)
            let since = try await bob.switchPushOn()
            if !isConnected { await bob.client.close() }

            try await scene.play(
                in: test, group: group, owner: owner, member: try await test.chat.person(login: "bob"))

            let reader = isConnected ? bob : bob.on(try await server.connect())
            if isConnected {
                let texts = try await bob.pushedTexts(upTo: MembershipCase.end).dropLast()
                #expect(Array(texts) == scene.pushedEdits + scene.pushed)
            } else {
                let answer = try await reader.ask(.getUpdate(as: bob.credentials, since: since))
                let texts = answer.data?.message?.compactMap(\.text?.string)
                #expect(texts == (scene.read ?? []) + [MembershipCase.end])
            }
            let flow = group.uuid.description
            if let read = scene.read {
                #expect(try await reader.texts(in: flow) == read)
            } else {
                let answer = try await reader.client.request(
                    .allMessages(as: bob.credentials, flow: flow, start: 0, end: 100))
                #expect(answer.code == 404)
            }
        }
    }

    /// Four megabytes for a peer who does not read, through a buffer of 64 KiB.
    @Test(arguments: StorageKind.engines) func aSlowReaderCatchesUp(on kind: StorageKind) async throws {
        var limits = ConnectionRegistry.WebSocketLimits()
        limits.outboundBytes = 64 << 10
        try await MTPServer.with(kind, limits: limits) { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let carol = try await server.join("carol")
            let flow = try await alice.createFlow(users: [bob, carol])
            for person in [bob, carol] { try await person.switchPushOn() }
            let padding = String(repeating: "x", count: 40_000)
            let numbers = (0..<100).map { "\($0)" }

            try await bob.client.webSocket.setReading(false)
            for number in numbers { try await alice.send("\(number) \(padding)", to: flow) }
            // Who reads is not held up by who does not.
            let last = "99 \(padding)"
            #expect(
                try await carol.pushedTexts(upTo: last).map { $0.prefix(while: { $0 != " " }) }.map(String.init)
                    == numbers)
            try await bob.client.webSocket.setReading(true)

            #expect(
                try await bob.pushedTexts(upTo: last).map { $0.prefix(while: { $0 != " " }) }.map(String.init)
                    == numbers)
        }
    }

    @Test func manyListenersGetEachMessageOnce() async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let flow = try await alice.createFlow()
            var listeners: [MTPPerson] = []
            for _ in 0..<40 {
                let listener = alice.on(try await server.connect())
                try await listener.switchPushOn()
                listeners.append(listener)
            }
            let texts = (0..<30).map { "\($0)" }

            // All at once.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for text in texts {
                    let request = alice.message(text, to: flow)
                    group.addTask { try await alice.ask(request) }
                }
                try await group.waitForAll()
            }

            let log = try await alice.texts(in: flow)
            #expect(Set(log) == Set(texts))
            let last = try #require(log.last)
            for listener in listeners { #expect(try await listener.pushedTexts(upTo: last) == log) }
        }
    }
}
