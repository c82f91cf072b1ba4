// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CFaultyVFS
import ChatTesting
import Glibc
import StorageSQLite
import TestSupport
import Testing

@testable import Storage

/// Each operation on the disk goes wrong in turn; after a restart everything acknowledged is there, in order and whole.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct DiskFaultTests {
    /// How many of the operations are made to fail in one run; `PARLEY_TEST_DISK_STEPS` says otherwise.
    private static let steps = getenv("PARLEY_TEST_DISK_STEPS").flatMap { Int64(String(cString: $0)) } ?? 40
    private static let alice = UserID(1)
    private static let flow = FlowID(1)
    private static let batches = 12
    private static let file = "/parley.db"

    /// What a client was told of a batch.
    private enum Answer { case done, notDone, unknown }

    private struct Batch {
        var texts: [String]
        var answer: Answer
    }

    private static func isUnknown(_ code: StorageError.Code) -> Bool { code == .commitUnknown || code == .inDoubt }

    private static func write(_ number: Int, _ action: some LogWrite, by author: UserID?) -> Write {
        Write(action, by: WriteOrigin(uuid: Identifier(UInt128(1000 + number)), author: author))
    }

    /// A closed database with an account and a flow, which every step begins with.
    private static func makeTemplate(in folder: TemporaryFolder) async throws {
        let storage = Storage(
            engine: try SQLiteEngine(.file(folder.path + file), create: true), now: { Timestamp(seconds: 1) })
        _ = try await storage.migrate()
        let user = NewUser(uuid: Identifier(1), login: "alice", loginKey: "alice", username: "", passwordHash: "")
        let new = NewFlow(
            uuid: Identifier(2), kind: .group, title: "", info: "", owner: alice, isPublic: true, members: [])
        let done = try await storage.commit([
            write(-2, Write.CreateUser(user), by: nil), write(-1, Write.CreateFlow(new), by: alice),
        ])
        try #require(try done.outcomes[0].receipt.userID == alice)
        try #require(try done.outcomes[1].receipt.flowID == flow)
        await storage.close()
    }

    static func copy(_ source: String, to target: String) throws {
        let from = open(source, O_RDONLY | O_CLOEXEC)
        let to = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer {
            close(from)
            close(to)
        }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        while case let count = read(from, &bytes, bytes.count), count > 0 {
            try #require(Glibc.write(to, bytes, count) == count)
        }
    }

    /// Writes batches until the end or a doubt, as a server does, and tells what was answered.
    private static func work(on path: String, healing disk: FaultyDisk) async -> [Batch] {
        guard let engine = try? SQLiteEngine(.file(path), create: false, readers: 1, checkpointPages: 12) else {
            return []
        }
        let storage = Storage(engine: engine, clock: ManualClock(), now: { Timestamp(seconds: 1) })
        var batches: [Batch] = []
        for number in 0..<Self.batches {
            let texts = (0...number % 3).map { part in
                "\(number).\(part) " + String(repeating: "x", count: number == 5 ? 20_000 : 100)
            }
            let writes = texts.enumerated().map { part, text in
                write(
                    number * 10 + part, Write.SendMessage(flow: flow, content: Array(text.utf8), blobs: []), by: alice)
            }
            var batch = Batch(texts: texts, answer: .done)
            do throws(StorageError) {
                for outcome in try await storage.commit(writes).outcomes {
                    guard let failure = outcome.failure else { continue }
                    batch.answer = isUnknown(failure.code) ? .unknown : .notDone
                }
            } catch {
                batch.answer = isUnknown(error.code) ? .unknown : .notDone
                if error.code == .inDoubt {
                    // The server ends here. An engine that went on all the same would be found out.
                    let later = try? await storage.commit([write(999, Write.DeleteUser(alice), by: nil)])
                    if later != nil { Issue.record("a batch was acknowledged after a doubt") }
                    batches.append(batch)
                    return batches
                }
            }
            batches.append(batch)
            if number == 3 { _ = try? await storage.flow(flow) }
            if number == 8 { disk.heal() }
        }
        await storage.close()
        return batches
    }

    /// Opens what a restart finds, and holds it against the answers.
    private static func check(_ folder: TemporaryFolder, _ batches: [Batch], _ place: Comment) async throws {
        let engine = try SQLiteEngine(.file(folder.path + file), create: false, readers: 1)
        let storage = Storage(engine: engine, now: { Timestamp(seconds: 1) })
        #expect(try await integrityProblems(of: engine) == [], place)
        let stored = try await storage.messages(in: flow, numbers: 0..<1000).messages
        let texts = stored.map { String(decoding: $0.content, as: UTF8.self) }
        var expected: [String] = []
        for batch in batches {
            let found = batch.texts.filter { texts.contains($0) }
            #expect(found.isEmpty || found == batch.texts, "half a batch: \(place)")
            switch batch.answer {
            case .done: #expect(found == batch.texts, "lost: \(place)")
            case .notDone: #expect(found.isEmpty, "there in spite of the answer: \(place)")
            case .unknown: break
            }
            expected += found
        }
        #expect(texts == expected, "out of order: \(place)")
        #expect(stored.map(\.number) == Array(0..<Int64(texts.count)), place)
        let events = try await storage.events(after: .start, limit: 1000)
        #expect(events.map(\.position.rawValue) == Array(1...Int64(texts.count + 2)), place)
        let next = try await storage.commit([
            write(5000, Write.SendMessage(flow: flow, content: Array("next".utf8), blobs: []), by: alice)
        ])
        #expect(try next.outcomes[0].receipt.number == Int64(texts.count), place)
        await storage.close()
    }

    /// One run with a fault, the restart after it, and the look at what is there.
    private static func step(
        _ kind: faulty_kind, at operation: Int64, template: TemporaryFolder
    ) async throws -> [Batch] {
        let disk = try FaultyDisk(kind, at: operation, seed: UInt64(operation))
        try copy(template.path + file, to: disk.folder.path + file)
        let batches = await work(on: disk.folder.path + file, healing: disk)
        disk.stop()
        for powerIsLost in [false, true] {
            let found = try TemporaryFolder()
            defer { found.remove() }
            try disk.save(to: found, powerIsLost: powerIsLost)
            // A file that was never opened is as it was.
            if access(found.path + file, F_OK) != 0 { try copy(template.path + file, to: found.path + file) }
            try await check(found, batches, "\(kind) at \(operation), power \(powerIsLost ? "lost" : "kept")")
        }
        return batches
    }

    @Test(arguments: [FAULTY_FAIL, FAULTY_TEAR, FAULTY_FULL, FAULTY_FORGET, FAULTY_POWER_CUT])
    func whatWasAcknowledgedSurvives(kind: faulty_kind) async throws {
        let template = try TemporaryFolder()
        defer { template.remove() }
        try await Self.makeTemplate(in: template)
        let sound = try FaultyDisk(FAULTY_NOTHING, at: 0, seed: 0)
        try Self.copy(template.path + Self.file, to: sound.folder.path + Self.file)
        let answers = await Self.work(on: sound.folder.path + Self.file, healing: sound)
        #expect(answers.count == Self.batches && answers.allSatisfy { $0.answer == .done })
        let operations = sound.operations
        try #require(operations > 100)

        var notDone = 0
        var unknown = 0
        for operation in stride(from: Int64(1), through: operations, by: Int(max(1, operations / Self.steps))) {
            let batches = try await Self.step(kind, at: operation, template: template)
            notDone += batches.count { $0.answer == .notDone }
            unknown += batches.count { $0.answer == .unknown }
            if kind == FAULTY_FULL, batches.count == Self.batches {
                #expect(batches.dropFirst(9).allSatisfy { $0.answer == .done }, "not healed: full at \(operation)")
            }
        }

        // The faults were felt: a full disk refuses, what else goes wrong leaves a doubt.
        #expect(kind == FAULTY_FULL ? notDone > 0 : unknown > 0)
    }
}
