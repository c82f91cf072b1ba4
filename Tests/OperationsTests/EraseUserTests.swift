// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import JSON
import Operations
import Storage
import Synchronization
import Testing

/// An account that goes with everything that it wrote.
@Suite(.timeLimit(.minutes(10))) struct EraseUserTests {
    private static let picture = JSONText(String(repeating: "p", count: ChatLimits.inlineFileBytes + 1))

    /// Alice and Bob in a group and a public group: what Alice wrote holds the word secret, and both sent one file.
    private func fill(_ test: ChatUnderTest, messages: Int = 3) async throws -> (flows: [Identifier], bob: Principal) {
        let people = try await test.registerAll("alice", "bob")
        let flows = [
            try await test.createFlow(members: people, by: people[0]), try await test.createFlow(by: people[1]),
        ]
        for flow in flows {
            for number in 0..<messages { try await test.send("secret \(number)", to: flow, by: people[0]) }
            try await test.send("hello", to: flow, by: people[1])
        }
        let file = MessageContent(text: "own", files: [.picture: Self.picture])
        try await test.send(file, to: flows[0], by: people[0])
        try await test.send(file, to: flows[0], by: people[1])
        var only = file
        only.files[.picture] = JSONText(String(repeating: "q", count: ChatLimits.inlineFileBytes + 1))
        try await test.send(only, to: flows[0], by: people[0])
        let edited = try await test.send("first", to: flows[0], by: people[0])
        _ = try await test.chat.edit(edited.uuid, text: "secret edit", by: people[0])
        return (flows, people[1])
    }

    private func context(_ test: ChatUnderTest) -> OperationContext { OperationContext(chat: test.chat) }

    private func search(_ word: String, _ test: ChatUnderTest) async throws -> [String] {
        try await SearchMessages(words: word).run(on: context(test)).items.map(\.text)
    }

    @Test(arguments: StorageKind.engines)
    func nothingOfWhatOneWroteIsLeft(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let (flows, bob) = try await fill(test)
            #expect(try await search("secret", test).count == 7)
            test.wallClock.advance(milliseconds: 2 * Blobs.gracePeriodSeconds * 1000)

            let plan = try await EraseUser(login: "alice", isTrial: true).perform(on: context(test))
            #expect(try await search("secret", test).count == 7)
            let done = try await EraseUser(login: "alice").perform(on: context(test))

            #expect(plan.messages == 9 && plan.flows == 2 && plan.sessions == 1 && plan.isTrial)
            #expect(done.messages == 9 && done.bytes == plan.bytes && done.sessions == 1 && !done.isTrial)
            #expect(try await search("secret", test) == [])
            #expect(try await search("own", test) == ["own"])
            let gone = Message.deletedText
            #expect(
                try await test.texts(in: flows[0], for: bob) == [gone, gone, gone, "hello", gone, "own", gone, gone])
            #expect(try await test.texts(in: flows[1], for: bob) == [gone, gone, gone, "hello"])
            let messages = try await test.messages(in: flows[0], for: bob)
            #expect(messages.map(\.number) == Array(0..<8))
            // The file that Bob sent, too, is there, and the other one is not.
            #expect(messages[5].content.files[.picture] == Self.picture)
            let blobs = try await test.storage.engine.read { try $0.rows("SELECT count(*) FROM blobs") }
            #expect(blobs == [[.int(1)]])
            let events = try await test.storage.events(after: .start, limit: 1000)
            #expect(!events.contains { String(decoding: $0.content, as: UTF8.self).contains("secret") })
            let problems = try await CheckDatabase().run(on: context(test)).problems
            #expect(problems == [])
            let sessions = try await test.storage.engine.read { connection in
                try connection.rows("SELECT count(*) FROM sessions WHERE address <> ''")
            }
            #expect(sessions == [[.int(1)]], "only Bob's")
            await #expect(throws: OperationError.self) {
                try await EraseUser(login: "alice").perform(on: context(test))
            }
            // The login is free, and one record says who did it.
            try await test.register("alice")
            let audit = try await ListAudit().run(on: context(test)).items
            #expect(audit.map(\.what) == ["user.erase", "user.erase"])
            #expect(audit.map(\.result) == [.refused, .done] && audit.last?.target == "alice")
        }
    }

    /// The account's login stays until everything is gone.
    @Test(arguments: StorageKind.engines)
    func aSecondRunFinishesWhatWasInterrupted(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let (flows, bob) = try await fill(test, messages: 120)
            let writes = Mutex(0)
            let erasing = Mutex<Task<EraseUser.Report, any Error>?>(nil)
            // The fourth write is one of the deletions, and not the last one: 50 at most are under way together.
            test.engine.beforeEachWrite {
                let number = writes.withLock { count in
                    count += 1
                    return count
                }
                if number == 4 { erasing.withLock { $0?.cancel() } }
            }
            erasing.withLock { task in
                task = Task { try await EraseUser(login: "alice").perform(on: context(test)) }
            }

            let task = try #require(erasing.withLock { $0 })
            await #expect(throws: OperationError.interrupted) { try await task.value }

            await #expect(throws: ChatError.self) { try await test.logIn("alice") }
            let texts = try await test.texts(in: flows[0], for: bob)
            #expect(texts.contains(Message.deletedText) && texts.contains { $0.hasPrefix("secret") })
            let rest = try await EraseUser(login: "alice").perform(on: context(test))
            #expect(rest.messages > 0 && rest.messages < 243)
            #expect(try await search("secret", test) == [])
        }
    }
}
