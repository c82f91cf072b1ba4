// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CFaultyVFS
import ChatTesting
import StorageSQLite
import TestSupport
import Testing

@testable import Storage

/// The disk goes wrong while the search index follows the log: no message is held up or lost, and a search finds what
/// is there.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct SearchDiskFaultTests {
    /// How many of the operations are made to fail in one run.
    private static let steps: Int64 = 40
    private static let alice = UserID(1)
    private static let flow = FlowID(1)
    private static let file = "/parley.db"
    private static let files = [file, file + "-search"]
    private static let texts = (0..<60).map { "apple number\($0)" }
    /// The one that is deleted after it was indexed.
    private static let deleted = 7

    /// What a search for all of them finds.
    private static var expected: [String] {
        Array(texts.enumerated().filter { $0.offset != deleted }.map(\.element).reversed())
    }

    private static func write(_ number: Int, _ action: some LogWrite, by author: UserID?) -> Write {
        Write(action, by: WriteOrigin(uuid: Identifier(UInt128(1000 + number)), author: author))
    }

    private static func message(_ number: Int, _ text: String) -> Write {
        write(
            number, Write.SendMessage(flow: flow, content: StorageUnderTest.content(text), blobs: []), by: alice)
    }

    private static func withStorage<Value>(
        _ path: String, create: Bool = false, _ body: (Storage) async throws -> Value
    ) async throws -> Value {
        let storage = Storage(engine: try SQLiteEngine(.file(path), create: create), now: { Timestamp(seconds: 1) })
        let outcome: Result<Value, any Error>
        do { outcome = .success(try await body(storage)) } catch { outcome = .failure(error) }
        await storage.close()
        return try outcome.get()
    }

    /// Lets the index follow the log to its end, or to the first fault.
    private static func index(_ storage: Storage) async throws(StorageError) {
        while try await storage.indexForSearch(text: StorageUnderTest.text) != .nothing {}
    }

    /// A closed database with an index that lacks its second half and has a message that was deleted since.
    private static func makeTemplate(in folder: TemporaryFolder) async throws {
        try await withStorage(folder.path + file, create: true) { storage in
            _ = try await storage.migrate()
            let user = NewUser(uuid: Identifier(1), login: "alice", loginKey: "alice", username: "", passwordHash: "")
            let new = NewFlow(
                uuid: Identifier(2), kind: .group, title: "", info: "", owner: alice, isPublic: true, members: [])
            let made = try await storage.commit([
                write(-2, Write.CreateUser(user), by: nil), write(-1, Write.CreateFlow(new), by: alice),
            ])
            try #require(try made.outcomes[0].receipt.userID == alice)
            try #require(try made.outcomes[1].receipt.flowID == flow)
            let first = try await storage.commit(texts[..<30].enumerated().map { message($0.offset, $0.element) })
            try await index(storage)
            let rest = texts[30...].enumerated().map { message(30 + $0.offset, $0.element) }
            let gone = try first.outcomes[deleted].receipt.position
            let second = try await storage.commit(
                rest + [write(500, Write.DeleteMessage(flow: flow, message: gone), by: alice)])
            try #require(second.outcomes.allSatisfy { $0.failure == nil })
        }
    }

    /// What a search finds, at the latest when it is asked for the third time.
    private static func search(_ storage: Storage, _ place: Comment) async throws -> [String?] {
        var attempts = 0
        while true {
            do throws(StorageError) {
                return try await storage.messages(matching: ["apple"], limit: 100, text: StorageUnderTest.text)
                    .messages.map { StorageUnderTest.text($0.content) }
            } catch {
                // That would end the server.
                #expect(error.code != .inDoubt, place)
                attempts += 1
                if attempts == 3 { throw error }
            }
        }
    }

    /// Holds what a restart finds to what was said.
    private static func check(_ path: String, _ expected: [String], _ place: Comment) async throws {
        try await withStorage(path) { storage in
            #expect(try await search(storage, place) == expected, place)
            let problems = try await storage.check(digest: { _ in [] }, text: StorageUnderTest.text)
            #expect(problems.filter { $0.name == "message_search" } == [], place)
        }
    }

    /// Indexes with a fault at an operation; returns whether the fault was felt.
    private static func step(_ kind: faulty_kind, at operation: Int64, template: TemporaryFolder) async throws -> Bool {
        let place: Comment = "\(kind) at \(operation)"
        let disk = try FaultyDisk(kind, at: operation, seed: UInt64(operation))
        let path = disk.folder.path + file
        for name in files { try DiskFaultTests.copy(template.path + name, to: disk.folder.path + name) }
        var expected = Self.expected
        let isFelt = try await withStorage(path) { storage in
            var isFelt = false
            do throws(StorageError) {
                try await index(storage)
            } catch {
                #expect(error.code != .inDoubt, place)
                isFelt = true
            }
            if kind == FAULTY_POWER_CUT { return isFelt }
            disk.heal()
            // A fault under the messages themselves is another test's.
            if kind == FAULTY_FULL || kind != FAULTY_FORGET && disk.operations >= operation {
                let later = try await storage.commit([message(600, "apple later")])
                #expect(later.outcomes.allSatisfy { $0.failure == nil }, place)
                expected.insert("apple later", at: 0)
            }
            #expect(try await search(storage, place) == expected, place)
            return isFelt
        }
        if kind == FAULTY_POWER_CUT {
            disk.stop()
            let found = try TemporaryFolder()
            defer { found.remove() }
            try disk.save(to: found, powerIsLost: true)
            try await check(found.path + file, expected, place)
        } else {
            try await check(path, expected, place)
        }
        return isFelt
    }

    @Test(arguments: [FAULTY_FAIL, FAULTY_TEAR, FAULTY_FULL, FAULTY_FORGET, FAULTY_POWER_CUT])
    func aSearchFindsWhatIsThere(kind: faulty_kind) async throws {
        let template = try TemporaryFolder()
        defer { template.remove() }
        try await Self.makeTemplate(in: template)
        let sound = try FaultyDisk(FAULTY_NOTHING, at: 0, seed: 0)
        for name in Self.files { try DiskFaultTests.copy(template.path + name, to: sound.folder.path + name) }
        let range = try await Self.withStorage(sound.folder.path + Self.file) { storage in
            let first = sound.operations + 1
            try await Self.index(storage)
            return first...sound.operations
        }
        try #require(range.count > 10)

        var felt = 0
        let places = Swift.stride(
            from: range.lowerBound, through: range.upperBound, by: max(1, range.count / Int(Self.steps)))
        for operation in places {
            if try await Self.step(kind, at: operation, template: template) { felt += 1 }
        }

        // Otherwise the faults would have been somewhere else.
        #expect(felt > 0)
    }
}
