// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import JSON
import MTP
import Storage
import TestClient
import Testing

/// What is pushed is read from the store once, however many connections hear it.
@Suite(.timeLimit(.minutes(10))) struct MTPLiveTests {
    /// The reads that an edit, a deletion, a join, a change of a profile and an attachment take, each heard by all
    /// listeners.
    private static func reads(listeners count: Int, on kind: StorageKind) async throws -> [Int] {
        var fewest: [Int] = []
        try await MTPServer.with(kind) { server in
            let chat = server.test.chat
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let owner = try await server.test.register("owner").principal
            let people = [
                try await chat.person(login: "alice"), try await chat.person(login: "bob"),
            ]
            let group = try await chat.createGroup(title: "group", members: people, by: owner)
            let flow = group.uuid.description
            var listeners: [MTPPerson] = []
            for _ in 0..<count {
                let listener = alice.on(try await server.connect())
                try await listener.switchPushOn()
                listeners.append(listener)
            }
            func heard(_ isIt: (MTPData) -> Bool) async throws {
                for listener in listeners {
                    while let data = try await listener.nextPush().data, !isIt(data) {}
                }
            }
            func reads(of event: () async throws -> Void, _ isIt: (MTPData) -> Bool) async throws -> Int {
                let before = server.test.engine.reads
                try await event()
                try await heard(isIt)
                return server.test.engine.reads - before
            }
            let picture = String(repeating: "p", count: 1 << 20)
            // What a connection was still reading when it was told costs a read more: the fewest of some rounds count.
            for round in 0..<4 {
                let newcomer = try await server.test.register("newcomer \(round)").principal
                let person = try await chat.person(newcomer.user)
                try await heard { $0.user?.contains { $0.login == "newcomer \(round)" } == true }
                let message = try await bob.send("\(round)", to: flow)
                try await heard { $0.message?.first?.text == JSONText("\(round)") }
                let edited = try await reads {
                    try await bob.ask(.editedMessage(as: bob.credentials, message: message, text: "edited"))
                } _: {
                    $0.message?.first?.text == "edited"
                }
                let deleted = try await reads {
                    try await bob.ask(.deleteMessage(as: bob.credentials, flow: flow, message: message))
                } _: {
                    $0.message?.first?.text == JSONText(Message.deletedText)
                }
                let joined = try await reads {
                    _ = try await chat.addMember(person, to: group, by: owner)
                } _: {
                    $0.flow?.first?.users?.count == 4 + round
                }
                let changed = try await reads {
                    try await chat.updateProfile(of: newcomer, bio: "\(round)")
                } _: {
                    $0.user?.first?.bio == "\(round)"
                }
                let attached = try await reads {
                    try await server.test.send(
                        MessageContent(text: "large", files: [.picture: JSONText(picture)]), to: group.uuid,
                        by: newcomer)
                } _: {
                    $0.message?.first?.filePicture?.utf8Count == 1 << 20
                }
                let all = [edited, deleted, joined, changed, attached]
                fewest = fewest.isEmpty ? all : zip(fewest, all).map(min)
            }
        }
        return fewest
    }

    @Test(arguments: StorageKind.engines) func listenersCostNoReads(on kind: StorageKind) async throws {
        let few = try await Self.reads(listeners: 1, on: kind)
        let many = try await Self.reads(listeners: 24, on: kind)

        #expect(few == many)
        #expect(many.allSatisfy { (1...8).contains($0) })
    }

    /// Others' messages stand between the connection's own.
    @Test(arguments: StorageKind.engines) func aBurstIsNotReadByItsSender(on kind: StorageKind) async throws {
        try await MTPServer.with(kind) { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let flow = try await alice.createFlow(users: [bob])
            try await alice.switchPushOn()
            try await bob.send("ready", to: flow)
            _ = try await alice.pushedTexts(upTo: "ready")
            var fewest = Int.max

            for round in 0..<4 {
                let before = server.test.engine.reads
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<40 {
                        let own = alice.message("own \(number)", to: flow)
                        group.addTask { _ = try await alice.client.request(own) }
                        let other = bob.message("bob's \(number)", to: flow)
                        group.addTask { _ = try await bob.client.request(other) }
                    }
                    try await group.waitForAll()
                }
                try await bob.send("end \(round)", to: flow)
                let pushed = try await alice.pushedTexts(upTo: "end \(round)")
                #expect(Set(pushed) == Set((0..<40).map { "bob's \($0)" } + ["end \(round)"]))
                #expect(pushed.count == 41)
                fewest = min(fewest, server.test.engine.reads - before)
            }

            #expect(fewest == 0)
        }
    }

    /// Who has left is not shown what the flow became afterwards, although it listens to the connection still.
    @Test(arguments: StorageKind.engines) func changesAreShownToThoseWhoAreThere(on kind: StorageKind) async throws {
        try await MTPServer.with(kind) { server in
            let chat = server.test.chat
            let bob = try await server.join("bob")
            let owner = try await server.test.register("owner").principal
            let person = try await chat.person(login: "bob")
            let group = try await chat.createGroup(title: "group", members: [person], by: owner)
            let sent = try await server.test.send("text", to: group.uuid, by: owner)
            let open = try await server.test.createFlow(by: owner)
            try await bob.switchPushOn()
            try await server.test.send("ready", to: open, by: owner)
            _ = try await bob.pushedTexts(upTo: "ready")

            // All in one batch: what is read for the first event has seen the last.
            server.test.engine.hold()
            let first = try await server.test.chat.submit(MessageContent(text: "first"), to: open, by: owner)
            await server.test.engine.writeIsHeld()
            async let edit = chat.edit(sent.uuid, text: "for bob", by: owner)
            async let change = chat.write(
                Write.UpdateFlow(group.id, title: "new title", info: nil, kind: nil, owner: nil), by: owner.user)
            while chat.waitingWrites < 2 { await Task.yield() }
            async let leave = chat.write(Write.RemoveMember(group.id, person.id), by: nil)
            while chat.waitingWrites < 3 { await Task.yield() }
            async let secret = chat.edit(sent.uuid, text: "secret", by: owner)
            while chat.waitingWrites < 4 { await Task.yield() }
            server.test.engine.release()
            _ = try await (edit, change, leave, secret, chat.receipt(of: first))
            try await server.test.send("last", to: open, by: owner)

            var texts: [String] = []
            var flows: [FlowObject] = []
            while texts.last != "last" {
                let data = try #require(try await bob.nextPush().data)
                texts += data.message?.compactMap(\.text?.string) ?? []
                flows += data.flow ?? []
            }
            #expect(texts == ["first", "for bob", "last"])
            #expect(flows.isEmpty)
        }
    }
}
