// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Credentials
import Testing

@testable import Storage

struct AuditTests {
    private static let zeros = [UInt8](repeating: 0, count: 32)

    private func note(_ operation: String, on target: String? = nil, by actor: String = "root") -> AuditNote {
        AuditNote(
            AuditEntry(
                actor: actor, face: "api", address: "192.0.2.1", operation: operation, target: target,
                parameters: #"{"a":1}"#)
        ) { SHA256Digest.digest(of: $0) }
    }

    private func commit(
        _ test: StorageUnderTest, _ writes: [(any LogWrite, AuditNote?)]
    ) async throws -> [WriteOutcome<any Sendable>] {
        try await test.storage.commit(
            writes.map { action, note in
                var write = test.write(action)
                write.audit = note
                return write
            }
        ).outcomes
    }

    /// All records, oldest first; checks the chain.
    private func chain(
        _ storage: Storage, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> [AuditRecord] {
        let (head, last) = try await storage.auditHead()
        let records = head.number == 0 ? [] : try await storage.auditRecords(numbers: 1...head.number)
        var previous = Self.zeros
        for (index, record) in records.enumerated() {
            #expect(record.number == Int64(index) + 1, sourceLocation: sourceLocation)
            #expect(record.previous == previous, sourceLocation: sourceLocation)
            #expect(record.hash == SHA256Digest.digest(of: record.canonicalBytes), sourceLocation: sourceLocation)
            previous = record.hash
        }
        #expect(head == AuditHead(number: Int64(records.count), hash: previous), sourceLocation: sourceLocation)
        #expect(last == head.number, sourceLocation: sourceLocation)
        return records
    }

    @Test(arguments: StorageKind.available)
    func changesLeaveRecordsInAChain(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            #expect(try await chain(test.storage) == [])

            _ = try await commit(
                test,
                [
                    (Write.CreateUser(test.newUser("alice")), note("user.create", on: "alice")),
                    (Write.CreateUser(test.newUser("bob")), nil),
                    (Write.RecordOnly(), note("user.delete", by: "zoë")),
                ])
            test.clock.advance(milliseconds: 5)
            _ = try await commit(test, [(Write.RecordOnly(), note("node.drain"))])

            let records = try await chain(test.storage)
            #expect(records.map(\.entry.operation) == ["user.create", "user.delete", "node.drain"])
            #expect(records[0].entry == note("user.create", on: "alice").entry)
            #expect(records[1].entry.actor == "zoë" && records[1].entry.target == nil)
            #expect(records[2].time == test.clock.now)
            // A record alone has a place in the log, by which it is found after a COMMIT without an answer.
            #expect(try await test.storage.head() == Position(4))
        }
    }

    @Test(arguments: StorageKind.available)
    func whatIsNotDoneLeavesNoRecord(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let flow = try await test.createFlow(owner: alice, members: [bob])
            var twin = test.newUser("carol")
            twin.uuid = try #require(try await test.storage.user(alice)).uuid
            let failing = twin

            let outcomes = try await commit(
                test,
                [
                    (Write.CreateUser(test.newUser("alice")), note("refused")),
                    (Write.AddMember(flow, bob), note("was so before")),
                    (Write.CreateUser(failing), note("failed")),
                    (Write.DeleteUser(bob), note("done")),
                ])

            #expect(outcomes[0].refusal == .loginTaken)
            guard case .failed = outcomes[2] else {
                Issue.record("a uuid twice: \(outcomes[2])")
                return
            }
            #expect(try await chain(test.storage).map(\.entry.operation) == ["done"])
        }
    }

    @Test(arguments: StorageKind.available)
    func aBatchThatIsRolledBackLeavesNoRecord(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let trap =
                kind == .postgres
                ? "ALTER TABLE audit_head ADD CHECK (number < 2)"
                : """
                CREATE TRIGGER trap BEFORE UPDATE ON audit_head WHEN NEW.number > 1
                BEGIN SELECT RAISE(ABORT, 'full'); END
                """
            try await test.storage.engine.write { connection in _ = try connection.execute(trap) }
            _ = try await commit(test, [(Write.RecordOnly(), note("first"))])

            let outcomes = try? await commit(
                test, [(Write.CreateUser(test.newUser("alice")), note("second"))])

            // Without its record the change is not made.
            if case .done = outcomes?.first { Issue.record("the change was made") }
            #expect(try await test.storage.user(loginKey: "alice") == nil)
            #expect(try await chain(test.storage).map(\.entry.operation) == ["first"])
        }
    }

    @Test(arguments: StorageKind.shared)
    func serversTakeTurns(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            try await test.withAnother { other in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (name, storage) in [("one", test.storage), ("two", other)] {
                        group.addTask {
                            for _ in 0..<30 {
                                var write = test.write(Write.RecordOnly())
                                write.audit = note("node.drain", by: name)
                                _ = try await storage.commit([write]).outcomes[0].receipt
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }

            let records = try await chain(test.storage)
            #expect(records.count == 60)
            #expect(records.count { $0.entry.actor == "two" } == 30)
        }
    }

    @Test(arguments: StorageKind.available)
    func changesOutsideTheLogAreRecordedWithIt(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let node = try await test.storage.registerNode(NewNode(name: "a", address: "", protocols: ""))

            #expect(try await test.storage.setDraining(node, true, audit: note("node.drain", on: "a")))
            #expect(try await !test.storage.setDraining(NodeID(99), true, audit: note("node.drain", on: "b")))
            #expect(try await test.storage.setDraining(node, false))

            #expect(try await chain(test.storage).map(\.entry.target) == ["a"])
        }
    }

    @Test(arguments: StorageKind.available)
    func recordsAreFoundByWhoWhatAndWhen(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let start = test.clock.now
            for (operation, actor) in [
                ("user.create", "root"), ("user.delete", "alice"), ("users.x", "root"), ("flow.delete", "root"),
            ] {
                _ = try await commit(test, [(Write.RecordOnly(), note(operation, by: actor))])
                test.clock.advance(milliseconds: 1000)
            }
            func numbers(
                before: Int64 = .max, since: Int64? = nil, actor: String? = nil, operation: String? = nil,
                limit: Int = 10
            ) async throws -> [Int64] {
                try await test.storage.auditRecords(
                    before: before, since: since.map { Timestamp(milliseconds: start.milliseconds + $0) },
                    actor: actor, operation: operation, limit: limit
                ).map(\.number)
            }

            #expect(try await numbers() == [4, 3, 2, 1])
            #expect(try await numbers(before: 3, limit: 1) == [2])
            #expect(try await numbers(since: 2000) == [4, 3])
            #expect(try await numbers(actor: "alice") == [2])
            #expect(try await numbers(actor: "Alice") == [])
            #expect(try await numbers(operation: "user") == [2, 1])
            #expect(try await numbers(operation: "user.delete") == [2])
            #expect(try await numbers(operation: "user.") == [])
            #expect(try await numbers(operation: "%") == [])
        }
    }

    @Test func noTwoRecordsReadTheSame() {
        func bytes(_ change: (inout AuditRecord) -> Void) -> [UInt8] {
            var record = AuditRecord(
                number: 1, time: Timestamp(milliseconds: 2), entry: note("user.delete", on: "ab").entry,
                previous: Self.zeros, hash: [])
            change(&record)
            return record.canonicalBytes
        }
        let all = [
            bytes { _ in }, bytes { $0.number = 2 }, bytes { $0.time = Timestamp(milliseconds: 3) },
            bytes { $0.previous[31] = 1 }, bytes { $0.entry.actor = "roo" }, bytes { $0.entry.face = "web" },
            bytes { $0.entry.address = nil }, bytes { $0.entry.address = "" },
            bytes { ($0.entry.operation, $0.entry.target) = ("user.deletea", "b") },
            bytes { ($0.entry.operation, $0.entry.target) = ("user.delet", "eab") },
            bytes { $0.entry.target = nil }, bytes { $0.entry.target = "" },
            bytes { $0.entry.parameters = #"{"a":2}"# }, bytes { $0.entry.refusal = "" },
            bytes { $0.entry.refusal = "exists" },
        ]

        #expect(Set(all).count == all.count)
    }
}
