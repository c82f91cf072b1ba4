// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Glibc
import StorageSQLite
import Synchronization
import TestSupport
import Testing

@testable import Storage

/// The file of the search index: what befalls it, and what it forgets.
struct SearchFileTests {
    private static let files = ["", "-wal", "-search", "-search-wal"]

    private func bytes(of path: String) throws -> [UInt8] {
        guard let file = fopen(path, "rb") else { return [] }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: ftell(file))
        rewind(file)
        try #require(fread(&bytes, 1, bytes.count, file) == bytes.count)
        return bytes
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = try #require(fopen(path, "wb"))
        defer { fclose(file) }
        try #require(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    private func search(_ word: String, in storage: Storage) async throws -> [String?] {
        try await storage.messages(matching: [word], limit: 5000, text: StorageUnderTest.text).messages.map(\.text)
    }

    /// What a search finds at the latest when it is asked again, as it asks for.
    private func searchAgain(_ word: String, in storage: Storage) async throws -> [String?] {
        do throws(StorageError) {
            return try await storage.messages(matching: [word], limit: 5000, text: StorageUnderTest.text).messages
                .map(\.text)
        } catch {
            #expect(error.code == .unavailable)
            return try await search(word, in: storage)
        }
    }

    private func check(_ storage: Storage) async throws -> [StoreProblem] {
        try await storage.check(digest: { _ in [] }, text: StorageUnderTest.text)
    }

    private func makeIndex(_ storage: Storage) async throws {
        while try await storage.indexForSearch(text: StorageUnderTest.text) != .nothing {}
    }

    /// Runs `body` with a database of 40 messages that nobody has open, and its index.
    private func withClosedDatabase(_ body: (String) async throws -> Void) async throws {
        try await StorageUnderTest.with(.sqliteFile) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            for number in 0..<40 { try await test.send("apple number\(number)", from: alice, to: flow) }
            try await makeIndex(test.storage)
            await test.storage.close()
            try await body(try #require(test.path))
        }
    }

    private func withStorage(_ path: String, _ body: (Storage) async throws -> Void) async throws {
        let storage = Storage(engine: try SQLiteEngine(.file(path), create: false), now: { Timestamp(seconds: 1) })
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(storage)) } catch { outcome = .failure(error) }
        await storage.close()
        try outcome.get()
    }

    @Test func aFileThatIsOfNoUseIsMadeAnew() async throws {
        let damages: [(name: String, damage: ([UInt8]) -> [UInt8]?)] = [
            ("missing", { _ in nil }), ("empty", { _ in [] }), ("cut", { Array($0.prefix(3 * 4096 + 100)) }),
            ("a letter", { _ in Array(repeating: Array("Dear index, ".utf8), count: 900).flatMap(\.self) }),
            ("garbage after its first page", { $0.prefix(4096) + $0.dropFirst(4096).map { _ in 0xAA } }),
            ("garbage at its end", { $0.dropLast(2 * 4096) + [UInt8](repeating: 0xAA, count: 2 * 4096) }),
        ]
        for (name, damage) in damages {
            try await withClosedDatabase { path in
                let index = path + "-search"
                let sound = try bytes(of: index)
                try #require(sound.count > 5 * 4096, "\(name)")
                if let damaged = damage(sound) { try write(damaged, to: index) } else { unlink(index) }
                try await withStorage(path) { storage in
                    let apples = try await searchAgain("apple", in: storage)
                    let seventh = try await searchAgain("number7", in: storage)
                    #expect(apples.count == 40, "\(name)")
                    #expect(seventh == ["apple number7"], "\(name)")
                }
                // What was healed stays so.
                try await withStorage(path) { storage in
                    #expect(try await search("apple", in: storage).count == 40, "\(name)")
                    // A page that no search reads may be damaged still.
                    let problems = try await check(storage)
                    #expect(problems.allSatisfy { $0.name == "message_search" && $0.isFixable }, "\(name)")
                    try await storage.fix(problems.map(\.name))
                    #expect(try await search("number7", in: storage) == ["apple number7"], "\(name)")
                    #expect(try await check(storage) == [], "\(name)")
                }
            }
        }
    }

    /// Tables of an earlier version, and an index that has more than its head says.
    @Test(arguments: [
        ["DROP TABLE message_search", "CREATE VIRTUAL TABLE message_search USING fts5 (text)"],
        ["INSERT INTO message_search (rowid, text) VALUES (100000, 'apple ghost')"],
    ])
    func anIndexOfAnotherFormIsMadeAnew(changes: [String]) async throws {
        try await withClosedDatabase { path in
            let index = try SQLiteEngine(.file(path + "-search"), create: false)
            try await index.write { connection in
                for change in changes { try connection.execute(change, []) }
            }
            await index.close()

            try await withStorage(path) { storage in
                let found = try await search("number7", in: storage)
                #expect(found == ["apple number7"])
                let ghosts = try await search("ghost", in: storage)
                #expect(ghosts == [])
                let problems = try await check(storage)
                #expect(problems == [])
            }
        }
    }

    @Test(arguments: [0, 100])
    func anIndexOfAnotherLogIsMadeAnew(newMessages: Int) async throws {
        try await StorageUnderTest.with(.sqliteFile) { test in
            let path = try #require(test.path)
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            try await test.send("apple", from: alice, to: flow)
            let saved = try Self.files.prefix(2).map { try bytes(of: path + $0) }
            for number in 0..<50 { try await test.send("lost \(number)", from: alice, to: flow) }
            try await makeIndex(test.storage)
            #expect(try await search("lost", in: test.storage).count == 50)
            await test.storage.close()

            // As a copy of the file that was made before.
            for (suffix, content) in zip(Self.files, saved) { try write(content, to: path + suffix) }
            try await test.withAnother { storage in
                let texts = (0..<newMessages).map { "found \($0)" }
                _ = try await storage.commit(texts.map { test.write(test.message($0, to: flow), by: alice) })
                #expect(try await search("lost", in: storage) == [])
                #expect(try await search("apple", in: storage) == ["apple"])
                #expect(try await search("found", in: storage).count == newMessages)
                #expect(try await check(storage) == [])
            }
        }
    }

    @Test func aKillAmidAFillLosesNothing() async throws {
        try await StorageUnderTest.with(.sqliteFile) { test in
            let path = try #require(test.path)
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let texts = (0..<4100).map { "apple \($0)" }
            _ = try await test.storage.commit(texts.map { test.write(test.message($0, to: flow), by: alice) })
            var steps = 0
            var hasMore = true
            while hasMore {
                hasMore = try await test.storage.indexForSearch(text: StorageUnderTest.text) != .nothing
                steps += 1
                // What a kill leaves behind, with the last commit of the index torn or whole.
                for torn in [0, 1000] {
                    let folder = try TemporaryFolder()
                    defer { folder.remove() }
                    let copy = folder.path + "/killed.db"
                    for suffix in Self.files {
                        let content = try bytes(of: path + suffix)
                        try write(content.dropLast(suffix == "-search-wal" ? torn : 0), to: copy + suffix)
                    }
                    try await withStorage(copy) { storage in
                        let found = try await search("apple", in: storage)
                        #expect(found == texts.reversed())
                    }
                }
            }
            #expect(steps > 2)
        }
    }

    @Test func messagesAreCommittedWhileTheIndexIsHeld() async throws {
        try await StorageUnderTest.with(.sqliteFile) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let index = try #require(try await test.storage.engine.searchIndex())
            let (began, continuation) = AsyncStream.makeStream(of: Void.self)
            let isOver = Mutex(false)

            async let held: Void = index.write { connection in
                continuation.finish()
                while !isOver.withLock({ $0 }) { sched_yield() }
            }
            for await _ in began {}
            async let found = search("apple", in: test.storage)
            for number in 0..<30 { try await test.send("apple \(number)", from: alice, to: flow) }
            try await test.done(Write.DeleteFlow(flow), by: alice)
            while try await !test.storage.purgeDeletedFlows() {}
            isOver.withLock { $0 = true }
            try await held

            _ = try await found
            #expect(try await search("apple", in: test.storage) == [])
        }
    }

    @Test func whatWasDeletedIsNotInTheFileAfterASweep() async throws {
        try await StorageUnderTest.with(.sqliteFile) { test in
            let path = try #require(test.path)
            let word = Array("zqsecret".utf8)
            func isLeft() throws -> Bool {
                try ["-search", "-search-wal"].contains { suffix in
                    let bytes = try bytes(of: path + suffix)
                    return bytes.indices.contains { bytes[$0] == word[0] && bytes[$0...].starts(with: word) }
                }
            }
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let purged = try await test.createFlow(owner: alice)
            var secrets: [Position] = []
            for number in 0..<9 {
                let texts = (0..<60).map { "round\(number) word\($0)" }
                _ = try await test.storage.commit(texts.map { test.write(test.message($0, to: flow), by: alice) })
                secrets.append(try await test.send("my zqsecret round\(number)", from: alice, to: flow).position)
                try await test.send("another zqsecret", from: alice, to: purged)
                try await makeIndex(test.storage)
            }
            let isIndexed = try isLeft()
            #expect(isIndexed)

            let content = StorageUnderTest.content("harmless")
            try await test.done(Write.EditMessage(flow: flow, message: secrets[0], content: content), by: alice)
            try await test.done(Write.EraseMessages(flow: flow, messages: Array(secrets[1..<5])))
            for secret in secrets[5...] {
                try await test.done(Write.DeleteMessage(flow: flow, message: secret), by: alice)
            }
            try await test.done(Write.DeleteFlow(purged), by: alice)
            while try await !test.storage.purgeDeletedFlows() {}
            try await makeIndex(test.storage)
            #expect(try await search("zqsecret", in: test.storage) == [])
            let isLeftBefore = try isLeft()
            #expect(isLeftBefore)

            try await test.storage.sweepSearchIndex(text: StorageUnderTest.text)

            let isLeftAfter = try isLeft()
            #expect(!isLeftAfter)
            #expect(try await search("harmless", in: test.storage) == ["harmless"])
            #expect(try await search("round7", in: test.storage).count == 60)
            #expect(try await check(test.storage) == [])
            // Nothing was deleted since.
            let index = try #require(try await test.storage.engine.searchIndex())
            let swept = SQLStatement("SELECT is_swept FROM search_head")
            let rows = try await index.read { connection in try connection.rows(swept) }
            #expect(rows == [[.int(1)]])
        }
    }
}
