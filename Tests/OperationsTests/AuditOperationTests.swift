// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import JSON
import Storage
import Testing

@testable import Operations

struct AuditOperationTests {
    private static let root = OperationActor(name: "root", face: .api, address: "192.0.2.7")

    private func perform<Operation: AdminOperation>(
        _ operation: Operation, in office: Office, as actor: OperationActor = root
    ) async throws -> Operation.Report {
        try await operation.perform(on: OperationContext(chat: office.chat, actor: actor))
    }

    private func refusal(
        of operation: some AdminOperation, in office: Office, as actor: OperationActor = root
    ) async throws -> OperationError {
        try #require(
            await #expect(throws: OperationError.self) { try await perform(operation, in: office, as: actor) })
    }

    /// Newest first.
    private func records(_ office: Office) async throws -> [AuditReport] {
        try await office.run(ListAudit()).items
    }

    private func execute(_ sql: String, in office: Office) async throws {
        try await office.chat.storage.engine.write { connection in _ = try connection.execute(sql) }
    }

    @Test func searchGoesOnWhereItStopped() async throws {
        try await Office.open { office in
            for login in ["alice", "bob", "carol"] {
                let secret = SecretText("hunter2")
                _ = try await perform(CreateUser(login: login, username: login, password: secret), in: office)
                _ = try await perform(LogOutUser(login: login), in: office)
            }
            var numbers: [[Int64]] = []
            var after: Int64? = 0
            while let start = after {
                let range = ListRange(after: start, limit: 2)
                let page = try await office.run(ListAudit(range: range, what: "user.create", rows: 3))
                numbers.append(page.items.map(\.number))
                after = page.next
            }

            #expect(numbers == [[5], [3, 1]])
            let all = try await office.run(ListAudit(range: ListRange(limit: 2), what: "user.create"))
            #expect(all.items.map(\.number) == [5, 3])
            #expect(all.next == 3)
            let beyond = ListAudit(range: ListRange(after: .max, limit: 1), rows: .max)
            #expect(try await office.run(beyond).items.map(\.number) == [6])
        }
    }

    @Test func whatIsDoneAndRefusedIsRecordedAndLookingIsNot() async throws {
        try await Office.open { office in
            _ = try await perform(
                CreateUser(login: "alice", username: "Alice", password: SecretText("hunter2")), in: office)
            _ = try await perform(ListUsers(), in: office)
            _ = try await perform(LimitUser(login: "alice"), in: office)
            let refused = try await refusal(of: DeleteUser(login: "bob\u{0}by"), in: office)

            let records = try await records(office)

            #expect(records.map(\.number) == [2, 1])
            #expect(records[1].what == "user.create" && records[1].target == "alice")
            #expect(records[1].who == "root" && records[1].face == "api" && records[1].address == "192.0.2.7")
            #expect(records[1].result == .done && records[1].refusal == nil)
            #expect(records[1].time == Office.time.text)
            #expect(records[1].parameters.contains(#""password":"[secret]""#))
            #expect(records[1].parameters.contains(#""username":"Alice""#))
            #expect(records[0].what == "user.delete" && records[0].target == "bobby")
            #expect(records[0].result == .refused && records[0].refusal == refused.kind.rawValue)
            #expect(refused.kind == .notFound)
            let stored = try await office.chat.storage.auditRecords(limit: 9)
            #expect(!"\(stored)".contains("hunter2"))
        }
    }

    @Test func readersAreRefusedWithARecord() async throws {
        try await Office.open { office in
            let reader = OperationActor(name: "robot", face: .api, scope: .read)

            let refused = try await refusal(
                of: CreateUser(login: "alice", username: "Alice", password: SecretText("x")), in: office, as: reader)

            #expect(refused.kind == .refused && refused.message.contains("user.create"))
            #expect(try await office.chat.storage.counts().users == 0)
            #expect(try await records(office).map(\.refusal) == ["refused"])
            #expect(try await perform(ListUsers(), in: office, as: reader).items.isEmpty)
        }
    }

    @Test func longTextsAreBounded() async throws {
        try await Office.open { office in
            try await office.user("alice")
            let long = String(repeating: "é", count: 3000)

            _ = try await perform(
                UpdateUser(login: "alice", username: "Al", avatar: long), in: office,
                as: OperationActor(name: long, face: .web))
            let refused = try await refusal(of: DeleteUser(login: long), in: office)

            #expect(refused.kind == .notFound)
            let records = try await office.chat.storage.auditRecords(limit: 9)
            #expect(records.count == 2)
            let parameters = try JSONValue.parse(Array(records[1].entry.parameters.utf8))
            #expect(parameters["avatar"]?.string == "[6002 bytes]")
            #expect(parameters["username"]?.string == "Al")
            #expect(records[1].entry.actor.utf8.count == 256)
            #expect(try #require(records[0].entry.target).utf8.count == 256)
            #expect(records[0].entry.parameters == #"{"login":"[6002 bytes]"}"#)
        }
    }

    @Test func anOperationOfManyChangesHasOneRecord() async throws {
        try await Office.open { office in
            _ = try await perform(SeedFlows(users: 3, flows: 2, messages: 4), in: office)
            _ = try await perform(RemoveSeed(isTrial: true), in: office)
            _ = try await perform(RemoveSeed(), in: office)
            // Nothing is left to remove, and somebody asked for it.
            _ = try await perform(RemoveSeed(), in: office)

            #expect(
                try await records(office).map(\.what) == ["flow.remove_seed", "flow.remove_seed", "flow.seed"])
        }
    }

    @Test func whatIsCancelledAfterItsChangeHasOneRecord() async throws {
        try await Office.open { office in
            let alice = try await office.chat.newUser(login: Login("alice"), password: Password("secret word"))

            let refused = try await Task {
                try await refusal(of: CancelledBehindItsWrite(user: alice), in: office)
            }.value

            #expect(refused == .interrupted)
            #expect(try await office.chat.storage.counts().users == 1)
            #expect(try await records(office).map(\.result) == [.done])
        }
    }

    @Test func whatIsCancelledBeforeItsChangeIsRecordedAsThat() async throws {
        try await Office.open { office in
            let refused = try await Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await refusal(of: CancelledBehindItsWrite(user: nil), in: office)
            }.value

            #expect(refused == .interrupted)
            #expect(try await records(office).map(\.refusal) == ["failed"])
        }
    }

    @Test func theRecordStandsInFrontOfManyChanges() async throws {
        try await Office.open { office in
            _ = try await perform(SeedFlows(users: 0, flows: 1, messages: 1), in: office)
            let flow = try #require(try await office.run(ListFlows()).items.first)
            try await execute("DROP TABLE audit", in: office)

            _ = try await refusal(of: SeedFlows(users: 5, flows: 0, messages: 0), in: office)

            #expect(try await office.chat.storage.counts().users == 1)
            #expect(flow.messages == 1)
        }
    }

    // MARK: Verifying

    /// An audit of three records.
    private func three(_ office: Office) async throws {
        for login in ["alice", "bob", "carol"] {
            _ = try await perform(
                CreateUser(login: login, username: login, password: SecretText("word")), in: office)
        }
    }

    @Test func anAuditThatWasLeftAloneIsRight() async throws {
        try await Office.open { office in
            #expect(try await office.run(VerifyAudit()).finding == nil)

            try await three(office)

            let report = try await office.run(VerifyAudit())
            #expect(report.finding == nil && report.records == 3)
            #expect(report.hash == (try await records(office).first?.hash))
            #expect(office.progress.last == OperationProgress(phase: "records", done: 3, total: 3))
        }
    }

    @Test(
        arguments: [
            ("UPDATE audit SET actor = 'mallory' WHERE number = 2", 2, .changed),
            ("UPDATE audit SET target = NULL WHERE number = 3", 3, .changed),
            ("UPDATE audit SET time_ms = time_ms + 1 WHERE number = 1", 1, .changed),
            ("UPDATE audit SET refusal = 'exists' WHERE number = 3", 3, .changed),
            ("DELETE FROM audit WHERE number = 2", 2, .missing),
            ("DELETE FROM audit WHERE number = 3", 3, .missing), ("DELETE FROM audit", 1, .missing),
            ("UPDATE audit SET number = 4 WHERE number = 2", 2, .missing),
            ("UPDATE audit_head SET number = 2", 2, .unlinked),
            ("UPDATE audit_head SET hash = zeroblob(32)", 3, .unlinked),
            (
                """
                INSERT INTO audit SELECT 4, time_ms, actor, face, address, operation, target, parameters, refusal,
                    previous_hash, hash FROM audit WHERE number = 3
                """, 4, .added
            ),
        ] as [(String, Int64, VerifyAudit.Finding.Kind)])
    func theFirstWrongRecordIsNamed(sql: String, number: Int64, kind: VerifyAudit.Finding.Kind) async throws {
        try await Office.open { office in
            try await three(office)

            try await execute(sql, in: office)

            let report = try await office.run(VerifyAudit())
            #expect(report.finding == VerifyAudit.Finding(number: number, kind: kind))
        }
    }

    @Test func aRecordThatWasWrittenAnewDoesNotFollow() async throws {
        try await Office.open { office in
            try await three(office)
            var record = try #require(try await office.chat.storage.auditRecords(numbers: 2...2).first)
            record.entry.actor = "mallory"
            let hash = SHA256Digest.digest(of: record.canonicalBytes)

            try await office.chat.storage.engine.write { connection in
                _ = try connection.execute(
                    "UPDATE audit SET actor = 'mallory', hash = $1 WHERE number = 2", [.bytes(hash)])
            }

            #expect(
                try await office.run(VerifyAudit()).finding == VerifyAudit.Finding(number: 3, kind: .unlinked))
        }
    }

    @Test func manyRecordsAreCheckedPageByPage() async throws {
        try await Office.open { office in
            for _ in 0..<501 { _ = try? await perform(DeleteUser(login: "nobody"), in: office) }
            #expect(try await office.run(VerifyAudit()).records == 501)

            try await execute("DELETE FROM audit WHERE number = 501", in: office)

            let report = try await office.run(VerifyAudit())
            #expect(report.finding == VerifyAudit.Finding(number: 501, kind: .missing))
            #expect(report.records == 500)
        }
    }

    @Test func listGoesOnWhereAPageEnded() async throws {
        try await Office.open { office in
            try await three(office)

            let first = try await office.run(ListAudit(range: ListRange(limit: 2)))
            let second = try await office.run(ListAudit(range: ListRange(after: try #require(first.next), limit: 2)))

            #expect(first.items.map(\.number) == [3, 2])
            #expect(second.items.map(\.number) == [1] && second.next == nil)
            #expect(try await office.run(ListAudit(who: "root", what: "user")).items.count == 3)
            #expect(try await office.run(ListAudit(who: "alice")).items.isEmpty)
            #expect(try await office.refusal(of: ListAudit(what: "\u{0}")).kind == .invalid)
            #expect(try await office.refusal(of: ListAudit(range: ListRange(limit: 0))).kind == .invalid)
        }
    }
}

/// An operation whose caller goes as soon as its change is made.
private struct CancelledBehindItsWrite: AdminOperation {
    static let name = "test.cancelled"

    var user: NewUser?

    init(user: NewUser?) { self.user = user }
    init(from decoder: any Decoder) { user = nil }
    func encode(to encoder: any Encoder) {}

    func run(on context: OperationContext) async throws(OperationError) -> Int {
        if let user { _ = try await context.write(Write.CreateUser(user)) }
        withUnsafeCurrentTask { $0?.cancel() }
        try context.checkCancellation()
        return 1
    }
}
