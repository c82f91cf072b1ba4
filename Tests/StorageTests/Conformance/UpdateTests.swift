// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct UpdateTests {
    /// Walks through all pages after `cursor` and checks what holds for every page.
    private func pages(
        _ test: StorageUnderTest, for user: UserID, after cursor: Position = .start, limit: Int,
        wholeSeconds: Bool = false
    ) async throws -> [UpdatePage] {
        var pages: [UpdatePage] = []
        var cursor = cursor
        while true {
            let page = try await test.storage.updates(
                for: user, after: cursor, limit: limit, wholeSeconds: wholeSeconds)
            try #require(page.cursor > cursor || !page.isCut)
            pages.append(page)
            cursor = page.cursor
            if !page.isCut { break }
        }
        #expect(pages.last?.cursor == (try await test.storage.head()))
        return pages
    }

    /// Six flows, the odd ones private to alice, and 60 messages, five in each second, with their texts as numbers.
    private func fill(_ test: StorageUnderTest) async throws -> (alice: UserID, bob: UserID, flows: [FlowID]) {
        let alice = try await test.createUser("alice")
        let bob = try await test.createUser("bob")
        var flows: [FlowID] = []
        for number in 0..<6 {
            flows.append(try await test.createFlow(owner: alice, members: number % 2 == 0 ? nil : []))
        }
        for number in 0..<60 {
            if number % 5 == 0 { test.clock.advance(milliseconds: 1000) }
            test.clock.advance(milliseconds: 1)
            try await test.send("\(number)", from: alice, to: flows[(number * 7) % 6])
        }
        return (alice, bob, flows)
    }

    /// On PostgreSQL each statement may be a round trip.
    @Test(arguments: StorageKind.available)
    func aPageTakesAsManyStatementsForManyMessagesAsForFew(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: alice, members: [alice, bob])
            func batch(_ count: Int) async throws -> Position {
                let start = try await test.storage.head()
                var writes: [Write] = []
                for number in 0..<count {
                    let bytes = Array("attachment \(start.rawValue) \(number)".utf8)
                    var sha256 = [UInt8](repeating: 0, count: 32)
                    sha256.replaceSubrange(0..<16, with: test.newUUID().bytes)
                    writes.append(
                        test.write(
                            Write.SendMessage(
                                flow: flow, content: StorageUnderTest.content("\(number)"),
                                blobs: [NewBlob(name: "file", sha256: sha256, bytes: bytes)],
                                bodies: [NewBody(recipient: bob, body: [1], key: [2])]), by: alice))
                }
                let sent = try await test.storage.commit(writes)
                for outcome in sent.outcomes {
                    try await test.done(
                        Write.EditMessage(
                            flow: flow, message: try outcome.receipt.position,
                            content: StorageUnderTest.content("edited"), blobs: []), by: alice)
                }
                return start
            }
            let engine = HeldEngine(test.storage.engine)
            let storage = test.storage(over: engine, clock: ContinuousClock())
            func statements(after start: Position, _ count: Int) async throws -> Int {
                let before = engine.statements
                let page = try await storage.updates(
                    for: bob, after: start, limit: 300, wholeSeconds: false, bodies: true)
                #expect(page.messages.count == count)
                #expect(page.messages.allSatisfy { $0.blobs["file"] != nil && $0.body?.key == [2] })
                return engine.statements - before
            }

            // Few are read first: what follows them is not there yet.
            let few = try await statements(after: try await batch(3), 3)
            let many = try await statements(after: try await batch(60), 60)

            // The positions come in chunks that grow: two statements more.
            #expect(many <= few + 2)
            #expect(few < 20)
        }
    }

    @Test(arguments: StorageKind.available)
    func pagesMergeFlowsInTheLogsOrder(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let (alice, bob, flows) = try await fill(test)
            for limit in [1, 3, 7, 100] {
                let all = try await pages(test, for: alice, limit: limit)
                let some = try await pages(test, for: bob, limit: limit)

                #expect(all.flatMap(\.messages).map(\.text) == (0..<60).map { "\($0)" })
                #expect(all.flatMap(\.flows).map(\.id) == flows)
                #expect(all.flatMap(\.users).map(\.login) == ["alice", "bob"])
                #expect(all.allSatisfy { $0.messages.count + $0.flows.count + $0.users.count <= limit })
                let visible = (0..<60).filter { ($0 * 7) % 6 % 2 == 0 }.map { "\($0)" }
                #expect(some.flatMap(\.messages).map(\.text) == visible)
                #expect(some.flatMap(\.flows).map(\.id) == [flows[0], flows[2], flows[4]])
            }
        }
    }

    @Test(arguments: StorageKind.available)
    func pagesOfWholeSecondsEndWithTheirSecond(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let (alice, _, _) = try await fill(test)
            let start = try await test.storage.message(at: Position(9))?.position ?? .start
            for limit in [1, 4, 5, 6, 11] {
                let found = try await pages(test, for: alice, after: start, limit: limit, wholeSeconds: true)

                #expect(found.flatMap(\.messages).map(\.text) == (1..<60).map { "\($0)" })
                for (page, next) in zip(found, found.dropFirst()) {
                    let last = try #require(page.messages.last)
                    let first = try #require(next.messages.first)
                    #expect(last.time.seconds < first.time.seconds, "limit \(limit)")
                    #expect(page.messages.count >= min(limit, 4))
                }
            }
        }
    }

    @Test(arguments: StorageKind.available)
    func aPageCutForItsSizeKeepsSecondsWholeToo(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let content = [UInt8](repeating: 0x20, count: 9 << 20)
            for number in 0..<6 {
                if number % 3 == 0 { test.clock.advance(milliseconds: 1000) }
                try await test.done(Write.SendMessage(flow: flow, content: content, blobs: []), by: alice)
            }

            let found = try await pages(test, for: alice, limit: 100, wholeSeconds: true)

            #expect(found.map { $0.messages.map(\.number) } == [[0, 1, 2], [3, 4, 5]])
        }
    }

    @Test(arguments: StorageKind.available)
    func changesBringTheObjectAsItStands(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: alice)
            let first = try await test.send("first", from: alice, to: flow)
            let second = try await test.send("second", from: alice, to: flow)
            let cursor = try await test.storage.head()
            let news = { try await test.storage.updates(for: bob, after: cursor, limit: 100, wholeSeconds: false) }
            #expect(try await news().messages == [])

            for text in ["new", "newer"] {
                let content = StorageUnderTest.content(text)
                try await test.done(Write.EditMessage(flow: flow, message: first.position, content: content), by: alice)
            }
            let edited = try await news()
            #expect(edited.messages.map(\.text) == ["newer"] && edited.messages.map(\.number) == [0])
            try await test.done(Write.DeleteMessage(flow: flow, message: second.position), by: alice)
            try await test.done(Write.UpdateFlow(flow, title: "changed", info: nil), by: alice)
            try await test.done(Write.UpdateUser(alice, UserChanges(bio: "changed")), by: alice)
            try await test.done(Write.DeleteUser(bob))

            let page = try await news()
            #expect(page.messages.map(\.position) == [first.position, second.position])
            #expect(page.messages.last?.text == nil)
            #expect(page.flows.map(\.title) == ["changed"])
            #expect(page.users.map(\.bio) == ["changed", "deleted"])
            #expect(page.users.last?.deleted != nil)
            let last = try await test.storage.head()
            let one = try await test.storage.updates(
                for: alice, after: cursor, limit: 100, wholeSeconds: false, excluding: [last])
            #expect(one.users.map(\.id) == [alice] && one.cursor == last)
        }
    }

    @Test(arguments: StorageKind.available)
    func onlyWhatTheAccountMaySeeIsTold(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            try await test.done(
                Write.CreateUser(
                    test.newUser("testclient", isHidden: true), admin: NewAdmin(username: "root", passwordHash: "h")))
            let flow = try await test.createFlow(owner: alice, members: [])
            try await test.send("before", from: alice, to: flow)
            let cursor = try await test.storage.head()
            try await test.done(Write.DeleteAdmin(username: "root"))
            try await test.done(Write.RevokeSessions(alice, nil))
            try await test.send("alone", from: alice, to: flow)
            let news = { (cursor: Position) in
                try await test.storage.updates(for: bob, after: cursor, limit: 100, wholeSeconds: false)
            }

            let nothing = try await news(cursor)
            #expect(nothing.messages == [] && nothing.flows == [] && nothing.users == [] && !nothing.isCut)
            #expect(nothing.cursor == (try await test.storage.head()))
            #expect(try await news(.start).users.map(\.login) == ["alice", "bob"])

            try await test.done(Write.AddMember(flow, bob), by: alice)
            try await test.send("together", from: alice, to: flow)
            let joined = try await news(nothing.cursor)
            #expect(joined.flows.map(\.id) == [flow] && joined.messages.map(\.text) == ["together"])
            try await test.done(Write.RemoveMember(flow, bob), by: alice)
            try await test.send("alone again", from: alice, to: flow)
            let left = try await news(joined.cursor)
            #expect(left.messages == [] && left.flows == [])
            try await test.done(Write.DeleteFlow(flow), by: alice)
            let all = try await test.storage.updates(for: alice, after: .start, limit: 100, wholeSeconds: false)
            #expect(all.messages == [] && all.flows == [])
        }
    }

    @Test(arguments: StorageKind.available)
    func anyLimitAndCursorIsAnswered(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let (alice, _, _) = try await fill(test)
            let head = try await test.storage.head()
            for limit in [0, -1, .min, .max] {
                let page = try await test.storage.updates(for: alice, after: .start, limit: limit, wholeSeconds: true)
                #expect(page.cursor > .start)
            }
            for cursor in [Position(.max), Position(.min), Position(-1)] {
                let page = try await test.storage.updates(for: alice, after: cursor, limit: 1000, wholeSeconds: false)
                #expect(page.cursor == head && page.messages.count == (cursor > head ? 0 : 60))
            }
        }
    }
}
