// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import StoragePostgres
import Synchronization
import Testing

@testable import Storage

/// Every acknowledged message is in the log exactly once, whatever happens to the connection.
@Suite(.enabled(if: PostgresServer.isGiven, PostgresServer.comment))
struct PostgresCommitTests {
    private final class Numbers: Sendable {
        private let last = Mutex<UInt128>(1000)
        func next() -> Identifier {
            last.withLock { last in
                last += 1
                return Identifier(last)
            }
        }
    }

    private let numbers = Numbers()
    private let alice = UserID(1)
    private let flow = FlowID(1)

    private func write(_ action: some LogWrite, by author: UserID? = nil) -> Write {
        Write(action, by: WriteOrigin(uuid: numbers.next(), author: author))
    }

    private func batch(_ texts: [String]) -> [Write] {
        texts.map { write(Write.SendMessage(flow: flow, content: Array($0.utf8), blobs: []), by: alice) }
    }

    private func prepare(_ storage: Storage) async throws {
        _ = try await storage.migrate()
        let user = NewUser(uuid: numbers.next(), login: "alice", loginKey: "alice", username: "", passwordHash: "")
        let new = NewFlow(
            uuid: numbers.next(), kind: .group, title: "", info: "", owner: alice, isPublic: true, members: [])
        let batch = try await storage.commit([
            write(Write.CreateUser(user)), write(Write.CreateFlow(new), by: alice),
        ])
        try #require(try batch.outcomes[0].receipt.userID == alice && batch.outcomes[1].receipt.flowID == flow)
    }

    private func expectExactly(_ texts: [String], in storage: Storage) async throws {
        let page = try await storage.messages(in: flow, numbers: 0..<10_000)
        #expect(page.messages.map { String(decoding: $0.content, as: UTF8.self) } == texts)
        #expect(page.messages.map(\.number) == Array(0..<Int64(texts.count)))
        let events = try await storage.events(after: .start, limit: 10_000)
        #expect(events.map(\.position.rawValue) == Array(1...Int64(texts.count + 2)))
    }

    private func isDone(_ batch: CommittedBatch) -> Bool {
        batch.outcomes.allSatisfy { if case .done = $0 { true } else { false } }
    }

    @Test func aBackendKilledDuringCommitLosesAndDoublesNothing() async throws {
        try await PostgresTestDatabase.withEngine { engine, database in
            let storage = Storage(engine: engine, now: { Timestamp(seconds: 1) })
            try await prepare(storage)
            // COMMIT waits in a deferred trigger for a lock that the test holds.
            try await database.raw.query(
                """
                CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql
                AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$
                """)
            try await database.raw.query(
                """
                CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION wait()
                """)
            let committing = """
                FROM pg_stat_activity
                WHERE datname = current_database() AND query = 'COMMIT' AND wait_event = 'advisory'
                """
            var texts: [String] = []
            for round in 0..<50 {
                let sent = (0...round % 3).map { "\(round).\($0)" }
                let writes = batch(sent)
                try await database.raw.query("SELECT pg_advisory_lock(1)")
                async let committed = storage.commit(writes)
                try await database.raw.waitUntil("SELECT count(*) = 1 \(committing)")
                let pid = try await database.raw.query("SELECT pid \(committing)").first.flatMap { Int64($0) }
                try await database.raw.terminate(try #require(pid))
                try await database.raw.query("SELECT pg_advisory_unlock(1)")

                #expect(isDone(try await committed))
                texts += sent
            }

            try await expectExactly(texts, in: storage)
        }
    }

    @Test func anAnswerLostDuringCommitLosesAndDoublesNothing() async throws {
        try await PostgresTestDatabase.with { database in
            let proxy = try FaultyProxy(upstream: database.configuration.port)
            var configuration = database.configuration
            configuration.host = "127.0.0.1"
            configuration.port = proxy.port
            configuration.parameters["sslmode"] = "disable"
            let storage = Storage(
                engine: PostgresEngine(configuration, logger: .silent), now: { Timestamp(seconds: 1) })
            try await prepare(storage)
            var texts: [String] = []
            for round in 0..<50 {
                proxy.breakNextCommit(round % 2 == 0 ? .cutBeforeServer : .cutBeforeClient)
                let sent = (0...round % 3).map { "\(round).\($0)" }

                #expect(isDone(try await storage.commit(batch(sent))))
                texts += sent
            }

            try await expectExactly(texts, in: storage)
            await storage.close()
            await proxy.stop()
        }
    }

    /// The head's lock and the rights are one, the messages and COMMIT are the other.
    @Test func aBatchOfMessagesTakesTwoRoundTrips() async throws {
        try await PostgresTestDatabase.with { database in
            let proxy = try FaultyProxy(upstream: database.configuration.port)
            var configuration = database.configuration
            configuration.host = "127.0.0.1"
            configuration.port = proxy.port
            configuration.parameters["sslmode"] = "disable"
            let storage = Storage(
                engine: PostgresEngine(configuration, logger: .silent), now: { Timestamp(seconds: 1) })
            try await prepare(storage)
            let before = proxy.roundTrips

            // The first one prepares its statements.
            for _ in 0..<2 { #expect(isDone(try await storage.commit(batch((0..<20).map { "\($0)" })))) }

            #expect(proxy.roundTrips - before == 4)
            await storage.close()
            await proxy.stop()
        }
    }

    @Test func aBackendKilledAtAnyMomentLosesAndDoublesNothing() async throws {
        try await PostgresTestDatabase.withEngine { engine, database in
            let storage = Storage(engine: engine, now: { Timestamp(seconds: 1) })
            try await prepare(storage)
            var texts: [String] = []
            var kills = 0
            var round = 0
            while kills < 50 {
                let sent = ["\(round).0", "\(round).1"]
                let writes = batch(sent)
                async let committed = storage.commit(writes)
                // A moment later each time, whatever the engine does then; but not while it connects, after which it
                // pauses.
                for _ in 0..<round % 5 { try await database.raw.query("SELECT 1") }
                kills += try await database.raw.query(
                    """
                    WITH victims AS MATERIALIZED (
                        SELECT pid FROM pg_stat_activity
                        WHERE datname = current_database() AND backend_type = 'client backend'
                            AND pid <> pg_backend_pid() AND query <> '' AND query NOT LIKE 'SET %'
                    )
                    SELECT pid FROM victims WHERE pg_terminate_backend(pid)
                    """
                ).count
                #expect(isDone(try await committed))
                texts += sent
                round += 1
            }

            try await expectExactly(texts, in: storage)
        }
    }
}
