// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct MessageWriteTests {
    private func blob(_ byte: UInt8, name: String = "file_picture", bytes: [UInt8]?) -> NewBlob {
        NewBlob(name: name, sha256: [UInt8](repeating: byte, count: 32), bytes: bytes)
    }

    @Test(arguments: StorageKind.available)
    func aMessageIsReadAsItWasSent(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let every = (0...255).map { UInt8($0) }
            let write = test.write(Write.SendMessage(flow: flow, content: every, blobs: []), by: alice)

            let receipt = try await test.storage.commit([write]).outcomes[0].receipt

            let message = try #require(try await test.storage.message(uuid: write.origin.uuid))
            #expect(message.content == every && message.blobs.isEmpty && message.change == nil)
            #expect(message.position == receipt.position && message.number == 0 && receipt.number == 0)
            #expect(message.time == test.clock.now && receipt.time == test.clock.now)
            #expect(message.flow == flow && message.sender == alice)
            #expect(message.flowUUID == (try await test.storage.flow(flow))?.uuid)
            #expect(message.senderUUID == (try await test.storage.user(alice))?.uuid)
            #expect(try await test.storage.message(at: receipt.position) == message)
            #expect(try await test.storage.message(uuid: test.newUUID()) == nil)
            // Other events are no messages.
            #expect(try await test.storage.message(at: Position(1)) == nil)
            let empty = try await test.done(Write.SendMessage(flow: flow, content: [], blobs: []), by: alice)
            #expect(try await test.storage.message(at: empty.position)?.content == [])
        }
    }

    @Test(arguments: StorageKind.available)
    func whoMayWriteIsCheckedUnderTheLock(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let owner = try await test.createUser("owner")
            let member = try await test.createUser("member")
            let other = try await test.createUser("other")
            let flows: [(FlowID, ofMember: WriteRefusal?, ofOther: WriteRefusal?)] = [
                (try await test.createFlow(.group, owner: owner), nil, nil),
                (try await test.createFlow(.group, owner: owner, members: [member]), nil, .notMember),
                (try await test.createFlow(.channel, owner: owner), .mayNotWrite, .mayNotWrite),
                (try await test.createFlow(.channel, owner: owner, members: [member]), .mayNotWrite, .notMember),
                (try await test.createFlow(.chat, owner: owner, members: [member]), nil, .notMember),
                (FlowID(99), .noSuchFlow, .noSuchFlow),
            ]
            for (flow, ofMember, ofOther) in flows {
                let action = test.message("hi", to: flow)
                #expect(try await test.refusal(of: action, by: owner) == (flow == FlowID(99) ? .noSuchFlow : nil))
                #expect(try await test.refusal(of: action, by: member) == ofMember)
                #expect(try await test.refusal(of: action, by: other) == ofOther)
            }
            #expect(try await test.refusal(of: test.message("hi", to: flows[0].0)) == .noSuchUser)
            #expect(try await test.refusal(of: test.message("hi", to: flows[0].0), by: UserID(99)) == .accountDeleted)
        }
    }

    @Test(arguments: StorageKind.available)
    func aChangeOfRightsCountsFromTheNextWriteOfItsBatch(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: alice, members: [])
            let speak = { test.write(test.message("hi", to: flow), by: bob) }

            let batch = try await test.storage.commit([
                speak(), test.write(Write.AddMember(flow, bob)), speak(), speak(),
                test.write(Write.RemoveMember(flow, bob)),
                speak(),
                test.write(Write.DeleteFlow(flow)), test.write(test.message("hi", to: flow), by: alice),
            ])

            let numbers = batch.outcomes.map { (try? $0.receipt)?.number }
            #expect(numbers == [nil, nil, 0, 1, nil, nil, nil, nil])
            #expect(
                batch.outcomes.map(\.refusal) == [.notMember, nil, nil, nil, nil, .notMember, nil, .noSuchFlow])
        }
    }

    @Test(arguments: StorageKind.available)
    func anEditKeepsTheOriginalAndPointsToIt(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: bob)
            let second = try await test.createFlow(owner: bob)
            let sent = try await test.send("first", from: alice, to: flow)
            func edit(_ text: String, in flow: FlowID, of position: Position? = nil) -> Write.EditMessage {
                Write.EditMessage(
                    flow: flow, message: position ?? sent.position, content: StorageUnderTest.content(text))
            }

            for text in ["second", "third"] {
                test.clock.advance(milliseconds: 5)
                let edited = try await test.done(edit(text, in: flow), by: alice)
                let message = try #require(try await test.storage.message(at: sent.position))
                #expect(message.content == StorageUnderTest.content("first"))
                #expect(message.change == .edited(test.clock.now, content: StorageUnderTest.content(text)))
                #expect(message.time == sent.time && message.number == 0)
                #expect(try await test.storage.events(after: sent.position, limit: 9).last?.replaces == sent.position)
                // An edit is no message of its own.
                #expect(try await test.storage.message(at: edited.position) == nil)
                #expect(
                    try await test.refusal(of: edit("x", in: flow, of: edited.position), by: alice) == .noSuchMessage)
            }
            #expect(try await test.storage.flow(flow)?.messageCount == 1)
            #expect(try await test.refusal(of: edit("x", in: flow), by: bob) == .notAuthor)
            #expect(try await test.refusal(of: edit("x", in: second), by: alice) == .noSuchMessage)
            #expect(try await test.refusal(of: edit("x", in: FlowID(99)), by: alice) == .noSuchFlow)
            #expect(try await test.refusal(of: edit("x", in: flow, of: Position(999)), by: alice) == .noSuchMessage)
            try await test.done(edit("by the operator", in: flow))
            #expect(try await test.storage.message(at: sent.position)?.text == "by the operator")
        }
    }

    @Test(arguments: StorageKind.available)
    func whoLeftChangesNothingThere(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: alice, members: [bob])
            let sent = try await test.send("hi", from: bob, to: flow)
            try await test.done(Write.RemoveMember(flow, bob), by: bob)

            let edit = Write.EditMessage(flow: flow, message: sent.position, content: [])
            #expect(try await test.refusal(of: edit, by: bob) == .notMember)
            let deletion = Write.DeleteMessage(flow: flow, message: sent.position)
            #expect(try await test.refusal(of: deletion, by: bob) == .notMember)
            #expect(try await test.storage.message(at: sent.position)?.change == nil)
        }
    }

    @Test(arguments: StorageKind.available)
    func aDeletionOverwritesTheMessageAndItsEdits(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: bob)
            let sent = try await test.done(
                test.message("secret", to: flow, blobs: [blob(1, bytes: [1, 2])]), by: alice)
            let after = try await test.send("stays", from: alice, to: flow)
            for text in ["secret two", "secret three"] {
                let content = StorageUnderTest.content(text)
                try await test.done(Write.EditMessage(flow: flow, message: sent.position, content: content), by: alice)
            }
            let deletion = Write.DeleteMessage(flow: flow, message: sent.position)
            #expect(try await test.refusal(of: deletion, by: bob) == .notAuthor)

            test.clock.advance(milliseconds: 7)
            try await test.done(deletion, by: alice)

            let message = try #require(try await test.storage.message(at: sent.position))
            #expect(message.content == Array("{}".utf8) && message.blobs.isEmpty)
            #expect(message.change == .deleted(test.clock.now))
            // It keeps its number.
            #expect(message.number == 0)
            #expect(try await test.storage.messages(in: flow, numbers: 0..<9).messages.map(\.number) == [0, 1])
            let secret = Array("secret".utf8)
            for event in try await test.storage.events(after: .start, limit: 100) {
                #expect(!event.content.indices.contains { event.content[$0...].starts(with: secret) })
            }
            #expect(try await test.storage.message(at: after.position)?.text == "stays")
            #expect(try await test.refusal(of: deletion, by: alice) == .messageDeleted)
            let edit = Write.EditMessage(flow: flow, message: sent.position, content: [])
            #expect(try await test.refusal(of: edit, by: alice) == .messageDeleted)
            try await test.done(Write.DeleteMessage(flow: flow, message: after.position))
            #expect(try await test.storage.message(at: after.position)?.text == nil)
        }
    }

    // MARK: Attachments

    @Test(arguments: StorageKind.available)
    func attachmentsAreKeptOnceByContent(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let large = (0..<(Blobs.maximumInBatchBytes * 2)).map { UInt8(truncatingIfNeeded: $0 / 251) }
            try await test.storage.storeBlob(sha256: [UInt8](repeating: 9, count: 32), bytes: large)
            try await test.storage.storeBlob(sha256: [UInt8](repeating: 9, count: 32), bytes: large)

            let first = try await test.done(
                test.message(
                    "one", to: flow,
                    blobs: [
                        blob(1, name: "a", bytes: [1]), blob(1, name: "b", bytes: [1]), blob(9, name: "c", bytes: nil),
                    ]),
                by: alice)
            let second = try await test.done(
                test.message("two", to: flow, blobs: [blob(1, bytes: [1]), blob(2, name: "e", bytes: [])]), by: alice)

            #expect(try await test.storage.message(at: first.position)?.blobs == ["a": [1], "b": [1], "c": large])
            #expect(try await test.storage.message(at: second.position)?.blobs == ["file_picture": [1], "e": []])
            let count = try await test.storage.engine.read { connection in
                try connection.rows("SELECT count(*) FROM blobs")
            }
            #expect(count == [[.int(3)]])
            // One that was never stored refuses its message only.
            let batch = try await test.storage.commit([
                test.write(test.message("three", to: flow), by: alice),
                test.write(test.message("four", to: flow, blobs: [blob(7, bytes: nil)]), by: alice),
                test.write(test.message("five", to: flow, blobs: [blob(1, bytes: [1])]), by: alice),
            ])
            #expect(batch.outcomes.map { (try? $0.receipt)?.number } == [2, nil, 3])
            #expect(batch.outcomes[1].failure?.code == .writeFailed)
        }
    }

    @Test(arguments: StorageKind.available)
    func attachmentsAreCollectedWhenNothingRefersToThemForLong(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let first = try await test.done(test.message("one", to: flow, blobs: [blob(1, bytes: [1])]), by: alice)
            let second = try await test.done(test.message("two", to: flow, blobs: [blob(1, bytes: [1])]), by: alice)
            for byte in UInt8(2)...4 {
                try await test.storage.storeBlob(sha256: [UInt8](repeating: byte, count: 32), bytes: [byte])
            }
            let grace = Blobs.gracePeriodSeconds * 1000

            test.clock.advance(milliseconds: grace)
            #expect(try await test.storage.collectBlobs() == 0)
            try await test.storage.storeBlob(sha256: [UInt8](repeating: 4, count: 32), bytes: [4])
            test.clock.advance(milliseconds: 1)
            #expect(try await test.storage.collectBlobs(limit: 1) == 1)
            #expect(try await test.storage.collectBlobs() == 1)
            #expect(try await test.storage.collectBlobs() == 0)

            try await test.done(Write.DeleteMessage(flow: flow, message: first.position), by: alice)
            test.clock.advance(milliseconds: grace + 1)
            #expect(try await test.storage.collectBlobs() == 1)
            #expect(try await test.storage.message(at: second.position)?.blobs == ["file_picture": [1]])
            try await test.done(Write.DeleteMessage(flow: flow, message: second.position), by: alice)
            #expect(try await test.storage.collectBlobs() == 1)
        }
    }
}
