// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import JSON
import Storage
import TestSupport
import Testing

/// What devices of protocols without cursors of their own read: news of groups, pages of a history, text alone.
@Suite(.timeLimit(.minutes(10))) struct DeviceReadingTests {
    /// News as texts such as `joined 3`, by the number of the page's news.
    private static func words(_ updates: GroupUpdates) -> [String] {
        updates.news.map { "\($0.change) by \($0.actor?.rawValue ?? 0)" }
    }

    @Test(arguments: StorageKind.engines) func whoJoinsIsToldAndShownWhatFollows(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let chat = test.chat
            let people = try await test.registerAll("alice", "bob")
            let bob = try await chat.person(login: "bob")
            let group = try await chat.createGroup(title: "group", members: [], by: people[0])
            try await test.send("before bob", to: group.uuid, by: people[0])
            let start = try await chat.head()

            _ = try await chat.addMember(bob, to: group, by: people[0])
            try await test.send("for bob", to: group.uuid, by: people[0])
            let joined = try await chat.groupUpdates(for: people[1], after: start, limit: 100)
            #expect(joined.messages.map(\.message.content.text) == ["for bob"])
            #expect(Self.words(joined) == ["joined by \(people[0].user.rawValue)"])
            #expect(joined.news.map(\.flow) == [group.id])
            #expect(joined.news.allSatisfy { $0.position > start && $0.position <= joined.cursor })
            #expect(!joined.isCut)

            // From the beginning too what came before he joined is not his.
            let all = try await chat.groupUpdates(for: people[1], after: .start, limit: 100)
            #expect(all.messages.map(\.message.content.text) == ["for bob"])

            try await chat.removeMember(bob, from: group, by: people[1])
            try await test.send("after bob", to: group.uuid, by: people[0])
            let left = try await chat.groupUpdates(for: people[1], after: joined.cursor, limit: 100)
            #expect(left.messages.isEmpty)
            #expect(Self.words(left) == ["left by \(people[1].user.rawValue)"])
            let end = try await chat.groupUpdates(for: people[1], after: left.cursor, limit: 100)
            #expect(end.messages.isEmpty && end.news.isEmpty)
        }
    }

    @Test(arguments: StorageKind.engines) func theOpeningOfMessagesIsNews(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let bob = try await test.chat.person(login: "bob")
            let group = try await test.chat.createGroup(title: "group", members: [bob], by: people[0])
            let start = try await test.chat.head()

            try await test.chat.markBridged(group, over: nil)
            // A new title by the operator is no such news.
            _ = try await test.chat.write(Write.UpdateFlow(group.id, title: "renamed", info: nil), by: nil)

            for principal in people.prefix(2) {
                #expect(
                    Self.words(try await test.chat.groupUpdates(for: principal, after: start, limit: 10)) == [
                        "bridged by 0"
                    ])
            }
            #expect(try await test.chat.groupUpdates(for: people[2], after: start, limit: 10).news.isEmpty)
        }
    }

    @Test(arguments: StorageKind.engines) func newsComeWithTheirPage(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let chat = test.chat
            let people = try await test.registerAll("alice", "bob")
            let bob = try await chat.person(login: "bob")
            let open = try await test.createFlow(by: people[0])
            let group = try await chat.createGroup(title: "group", members: [], by: people[0])
            let start = try await chat.head()
            for number in 0..<5 { try await test.send("\(number)", to: open, by: people[0]) }
            _ = try await chat.addMember(bob, to: group, by: people[0])
            for number in 5..<10 { try await test.send("\(number)", to: group.uuid, by: people[0]) }

            var found: [String] = []
            var cursor = start
            while true {
                let page = try await chat.groupUpdates(for: people[1], after: cursor, limit: 2)
                let messages = page.messages.map { ($0.message.position, $0.message.content.text) }
                let news = page.news.map { ($0.position, "\($0.change)") }
                found += (messages + news).sorted { $0.0 < $1.0 }.map(\.1)
                #expect((messages + news).allSatisfy { $0.0 > cursor && $0.0 <= page.cursor })
                cursor = page.cursor
                if !page.isCut { break }
            }

            #expect(found == (0..<5).map { "\($0)" } + ["joined"] + (5..<10).map { "\($0)" })
        }
    }

    @Test(arguments: StorageKind.engines) func aHistoryIsReadBackwards(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let chat = test.chat
            let alice = try await test.register("alice").principal
            let flow = try await chat.createGroup(title: "group", members: [], by: alice)
            let other = try await test.createFlow(by: alice)
            let elsewhere = try await test.send("elsewhere", to: other, by: alice)
            var sent: [Sent] = []
            for number in 0..<5 {
                sent.append(try await test.send("\(number)", to: flow.uuid, by: alice))
                test.wallClock.advance(milliseconds: 1000)
            }

            let readable = ReadableFlow(flow)
            #expect(try await chat.historyEnd(at: .newest, of: readable) == 5)
            #expect(try await chat.historyEnd(at: .message(sent[3].uuid), of: readable) == 3)
            #expect(try await chat.historyEnd(at: .time(sent[2].receipt.time), of: readable) == 2)
            #expect(try await chat.historyEnd(at: .time(Timestamp(seconds: 0)), of: readable) == 0)
            #expect(try await chat.historyEnd(at: .time(Timestamp(milliseconds: .max)), of: readable) == 5)
            for uuid in [elsewhere.uuid, chat.newIdentifier()] {
                await #expect(throws: ChatError.noSuchMessage) {
                    try await chat.historyEnd(at: .message(uuid), of: readable)
                }
            }
            func texts(before number: Int64?, limit: Int) async throws -> [String] {
                try await chat.history(of: flow.uuid, before: number, limit: limit, for: alice)
                    .map(\.message.content.text)
            }
            #expect(try await texts(before: 3, limit: 2) == ["1", "2"])
            #expect(try await texts(before: nil, limit: 100) == ["0", "1", "2", "3", "4"])
            #expect(try await texts(before: .max, limit: 1) == ["4"])
            #expect(try await texts(before: .min, limit: 1) == [])
            #expect(try await texts(before: 2, limit: .min) == ["1"])
        }
    }

    @Test func whatIsNotTextIsNamed() {
        func content(_ text: String, emoji: String? = nil, _ files: MessageContent.File...) -> MessageContent {
            MessageContent(
                text: text, emoji: emoji, files: Dictionary(uniqueKeysWithValues: files.map { ($0, "bytes") }))
        }
        var secret = content("ciphertext", .picture)
        secret.encryption = "fastchat"

        #expect(content("hello").readableText == "hello")
        #expect(content("hello", .picture).readableText == "hello\n[picture]")
        #expect(content("", .document, .audio, .video).readableText == "[video] [audio] [document]")
        #expect(content("", emoji: "🙂").readableText == "🙂")
        #expect(content("text", emoji: "🙂").readableText == "text")
        #expect(content("", emoji: String(repeating: "x", count: 1000)).readableText == "[emoji]")
        #expect(content("").readableText == "")
        #expect(secret.readableText == MessageContent.encryptedText)
    }

    // MARK: For the operator

    @Test(arguments: StorageKind.engines) func theLogIsShownWithNames(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let chat = test.chat
            let people = try await test.registerAll("alice", "bob")
            let bob = try await chat.person(login: "bob")
            let direct = try await chat.directFlow(with: bob, by: people[0])
            let group = try await chat.createGroup(title: "a group", members: [bob], by: people[0])
            let start = try await chat.head()
            let sent = try await test.send("hello", to: direct.uuid, by: people[0])
            _ = try await chat.edit(sent.uuid, text: "hello!", by: people[0])
            try await chat.removeMember(bob, from: group, by: people[0])
            _ = try await chat.write(Write.RevokeSessions(bob.id, nil), by: nil)
            _ = try await chat.write(Write.DeleteFlow(group.id), by: nil)

            let events = try await chat.watchedEvents(after: start, limit: 100)

            #expect(events.map(\.event.kind) == [.message, .edit, .leave, .session, .flow])
            #expect(events.map { $0.sender?.login } == ["alice", "alice", "alice", nil, nil])
            #expect(events.map { $0.subject?.login } == [nil, nil, "bob", "bob", nil])
            #expect(events.map { $0.flow?.id } == [direct.id, direct.id, nil, nil, nil])
            #expect(events.map { $0.partners.map(\.login) } == [["alice", "bob"], ["alice", "bob"], [], [], []])
            #expect(events.map(\.text) == ["hello", "hello!", nil, nil, nil])
            let first = try await chat.watchedEvents(after: start, limit: 2)
            #expect(first.map(\.event) == events.prefix(2).map(\.event))
            #expect(try await chat.watchedEvents(after: try await chat.head(), limit: 10).isEmpty)
        }
    }

    @Test(arguments: StorageKind.engines) func whatIsCommittedAndHandedOverIsCounted(on kind: StorageKind) async throws
    {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let flow = try await test.createFlow(members: people, by: people[0])
            try await test.settled()
            let sink = RecordingSink()
            for (number, principal) in people.enumerated() {
                test.chat.hub.attach(RecordingConnection(sink, UInt64(number)), principal: principal, wantsNews: true)
            }
            let before = test.chat.metrics.counts

            for number in 0..<5 { try await test.send("\(number)", to: flow, by: people[0]) }
            // Counted when all have it, so the last one, and the one before all of these, may or may not be counted
            // yet.
            try await test.send("last", to: flow, by: people[0])
            _ = await sink.runs(upTo: "last")

            let counts = test.chat.metrics.counts
            #expect(counts.messages - before.messages == 6)
            #expect(counts.events - before.events == 6)
            #expect(counts.batches - before.batches == 6)
            #expect(counts.lastBatch == 1)
            #expect((10...13).contains(counts.deliveries - before.deliveries))
            test.clock.advance(by: .seconds(90))
            #expect(test.chat.uptime == .seconds(90))
        }
    }
}
