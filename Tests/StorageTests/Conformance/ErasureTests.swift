// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

/// Messages that are not to be kept any longer: found by age, and deleted with one event for many.
struct ErasureTests {
    private static let sha256 = [UInt8](repeating: 7, count: 32)

    @Test(arguments: StorageKind.available)
    func manyMessagesAreDeletedByOneEvent(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: alice, members: [bob])
            let other = try await test.createFlow(owner: alice, members: [bob])
            let blob = NewBlob(name: "file", sha256: Self.sha256, bytes: [1, 2, 3])
            let body = NewBody(recipient: bob, body: [1], key: [2])
            let first = try await test.done(test.message("alpha", to: flow, blobs: [blob]), by: alice)
            let second = try await test.done(
                Write.SendMessage(flow: flow, content: StorageUnderTest.content("beta"), blobs: [], bodies: [body]),
                by: alice)
            let third = try await test.send("gamma", from: alice, to: flow)
            try await test.done(
                Write.EditMessage(flow: flow, message: third.position, content: StorageUnderTest.content("delta")),
                by: alice)
            let fourth = try await test.send("epsilon", from: alice, to: flow)
            try await test.done(Write.DeleteMessage(flow: flow, message: fourth.position), by: alice)
            let elsewhere = try await test.send("alpha elsewhere", from: alice, to: other)
            try await test.send("zeta", from: bob, to: flow)
            while try await test.storage.indexForSearch(text: StorageUnderTest.text) != .nothing {}
            let before = try await test.storage.flow(flow)

            let all = [first, second, third, fourth, elsewhere].map(\.position)
            let erased = try await test.done(Write.EraseMessages(flow: flow, messages: all))

            let after = try await test.storage.flow(flow)
            #expect(after?.eventCount == (before?.eventCount ?? 0) + 1 && after?.messageCount == 5)
            let page = try await test.storage.messages(in: flow, numbers: 0..<10).messages
            #expect(page.map(\.number) == Array(0..<5))
            #expect(page.map(\.text) == [nil, nil, nil, nil, "zeta"])
            #expect(page[0].blobs.isEmpty && page[2].content == Array("{}".utf8))
            #expect(page.prefix(3).allSatisfy { $0.change == .deleted(erased.time) })
            #expect(try await test.storage.bodies(at: [second.position], for: bob) == [:])
            #expect(try await test.storage.message(at: elsewhere.position)?.text == "alpha elsewhere")
            // Nothing of the edit is left, either.
            let events = try await test.storage.events(after: .start, limit: 100)
            #expect(!events.contains { StorageUnderTest.text($0.content) == "delta" })
            for word in ["alpha", "beta", "gamma", "delta"] {
                let found = try await test.storage.messages(
                    matching: [word], limit: 10, text: StorageUnderTest.text
                ).messages.map(\.text)
                #expect(found == (word == "alpha" ? ["alpha elsewhere"] : []), "\(word)")
            }
            #expect(try await test.storage.check(digest: { _ in Self.sha256 }, text: StorageUnderTest.text) == [])
            test.clock.advance(milliseconds: Blobs.gracePeriodSeconds * 1000 + 1)
            #expect(try await test.storage.collectBlobs() == 1)

            let again = try await test.done(Write.EraseMessages(flow: flow, messages: all))
            #expect(again.existed)
            let edit = Write.EditMessage(
                flow: flow, message: first.position, content: StorageUnderTest.content("back"))
            #expect(try await test.refusal(of: edit, by: alice) == .messageDeleted)
            try await test.done(Write.DeleteFlow(other))
            #expect(
                try await test.refusal(of: Write.EraseMessages(flow: other, messages: [elsewhere.position]))
                    == .noSuchFlow)
        }
    }

    /// What a reader gets who was away meanwhile: nothing fails, and the old texts do not come.
    @Test(arguments: StorageKind.available)
    func aReaderWhoWasAwayCatchesUp(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: alice, members: [bob])
            let start = try await test.storage.head()
            let sent = try await test.send("old", from: alice, to: flow)
            let middle = try await test.storage.head()
            try await test.done(Write.EraseMessages(flow: flow, messages: [sent.position]))
            try await test.send("new", from: alice, to: flow)

            for (cursor, texts) in [(start, [nil, "new"]), (middle, ["new"])] {
                let page = try await test.storage.updates(for: bob, after: cursor, limit: 100, wholeSeconds: false)
                #expect(page.messages.map(\.text) == texts)
                #expect(page.cursor == (try await test.storage.head()) && !page.isCut)
            }
        }
    }

    @Test(arguments: StorageKind.available)
    func oldMessagesAreFoundByTheirTypeOfFlow(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let kinds = FlowRecord.Kind.allCases
            var flows: [FlowID] = []
            for kind in kinds {
                flows.append(try await test.createFlow(kind, owner: alice, members: [alice, bob]))
            }
            let blob = NewBlob(name: "file", sha256: Self.sha256, bytes: [1, 2, 3])
            var old: [Position] = []
            for flow in flows {
                old.append(try await test.done(test.message("old", to: flow, blobs: [blob]), by: alice).position)
            }
            let limit = Timestamp(milliseconds: test.clock.now.milliseconds + 1)
            test.clock.advance(milliseconds: 1)
            for flow in flows { try await test.send("young", from: alice, to: flow) }
            func found(_ limits: [FlowRecord.Kind: Timestamp]) async throws -> [StoredMessage] {
                let end = try await test.storage.position(ofLastAtOrBefore: limits.values.max() ?? limit)
                return try await test.storage.expiredMessages(sentBefore: limits, after: .start, upTo: end)
            }

            for (index, kind) in kinds.enumerated() {
                let size = Int64(StorageUnderTest.content("old").count + 3)
                let expected = StoredMessage(
                    position: old[index], flow: flows[index], kind: kind, sender: alice, bytes: size)
                #expect(try await found([kind: limit]) == [expected])
            }
            #expect(try await found([.chat: limit, .group: limit, .channel: limit]).map(\.position) == old)
            #expect(try await found([:]) == [])
            // Messages of another server that came later with times from before.
            let imported = ImportedMessage(
                uuid: test.newUUID(), flow: flows[1], author: bob,
                time: Timestamp(milliseconds: limit.milliseconds - 5_000),
                content: StorageUnderTest.content("imported"), blobs: [])
            try await test.done(Write.ImportMessages([imported]))
            #expect(try await found([.group: limit]).count == 2)
            try await test.done(Write.EraseMessages(flow: flows[1], messages: [old[1]]))
            #expect(try await found([.group: limit]).count == 1)
            try await test.done(Write.DeleteFlow(flows[0]))
            #expect(try await found([.chat: limit]) == [])
        }
    }
}
