// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import StoragePostgres
import Testing

/// A server that neither answers nor goes away, as a stopped process or a disk that is stuck.
@Suite(.enabled(if: PostgresServer.isGiven, PostgresServer.comment), .timeLimit(.minutes(10)))
struct PostgresHangTests {
    /// Runs `body` with an engine behind a relay that can hang; what takes longer than seconds is given up.
    private func withRelay(
        _ body: (PostgresEngine, FaultyProxy, PostgresTestDatabase) async throws -> Void
    ) async throws {
        try await PostgresTestDatabase.with { database in
            let proxy = try FaultyProxy(upstream: database.configuration.port)
            var configuration = database.configuration
            configuration.host = "127.0.0.1"
            configuration.port = proxy.port
            configuration.parameters["sslmode"] = "disable"
            configuration.lockTimeout = .seconds(1)
            configuration.readStatementTimeout = .seconds(1)
            configuration.answerTimeout = .seconds(2)
            configuration.connectTimeout = .seconds(2)
            let engine = PostgresEngine(configuration, logger: .silent)
            let outcome: Result<Void, any Error>
            do {
                outcome = .success(try await body(engine, proxy, database))
            } catch {
                outcome = .failure(error)
            }
            proxy.wake()
            await engine.close()
            await proxy.stop()
            try outcome.get()
        }
    }

    private func read(_ engine: PostgresEngine) async throws(StorageError) {
        _ = try await engine.read { connection in try connection.rows("SELECT 1") }
    }

    private func insert(_ number: Int64, _ engine: PostgresEngine) async throws(StorageError) {
        try await engine.write { connection in
            _ = try connection.execute("INSERT INTO t (n) VALUES ($1)", [.int(number)])
        }
    }

    /// Tries until it succeeds: the engine pauses between attempts to connect.
    private func retrying(_ body: () async throws -> Void) async throws {
        while true {
            do {
                return try await body()
            } catch let error as StorageError where error.code == .unavailable {
                await Task.yield()
            }
        }
    }

    @Test func statementsWithoutAnswerAreGivenUp() async throws {
        try await withRelay { engine, proxy, database in
            try await database.raw.query("CREATE TABLE t (n bigint)")
            try await retrying { try await insert(1, engine) }
            try await retrying { try await read(engine) }

            proxy.hang()
            async let reading = storageFailure { try await read(engine) }
            async let writing = storageFailure { try await insert(2, engine) }

            #expect(await reading?.code == .unavailable)
            #expect(await writing?.code == .unavailable)
            proxy.wake()
            try await retrying { try await insert(3, engine) }
            try await retrying { try await read(engine) }
            #expect(try await database.raw.query("SELECT n FROM t ORDER BY n") == ["1", "3"])
        }
    }

    @Test(arguments: [FaultyProxy.CommitFault.stallBeforeServer, .stallBeforeClient])
    func aCommitWithoutAnswerIsUnknown(fault: FaultyProxy.CommitFault) async throws {
        try await withRelay { engine, proxy, database in
            try await database.raw.query("CREATE TABLE t (n bigint)")
            try await retrying { try await insert(1, engine) }

            proxy.breakNextCommit(fault)
            let failure = await storageFailure { try await insert(2, engine) }

            #expect(failure?.code == .commitUnknown)
            try await retrying { try await insert(3, engine) }
            let isThere = fault == .stallBeforeClient
            #expect(
                try await database.raw.query("SELECT n FROM t ORDER BY n") == (isThere ? ["1", "2", "3"] : ["1", "3"]))
        }
    }

    @Test(arguments: [FaultyProxy.CommitFault.stallBeforeServer, .stallBeforeClient])
    func aBatchWhoseCommitHasNoAnswerIsLookedUp(fault: FaultyProxy.CommitFault) async throws {
        try await withRelay { engine, proxy, _ in
            let storage = Storage(engine: engine, now: { Timestamp(seconds: 1) })
            try await retrying { _ = try await storage.migrate() }
            func account(_ name: String, _ number: UInt128) -> Write {
                let user = NewUser(
                    uuid: Identifier(number), login: name, loginKey: name, username: "", passwordHash: "")
                return Write(Write.CreateUser(user), by: WriteOrigin(uuid: Identifier(number), author: nil))
            }
            _ = try await storage.commit([account("alice", 1)])

            proxy.breakNextCommit(fault)
            let batch = try await storage.commit([account("bob", 2), account("carol", 3)])

            #expect(batch.outcomes.allSatisfy { if case .done = $0 { true } else { false } })
            #expect(try await storage.users(limit: 10).map(\.login) == ["alice", "bob", "carol"])
            let events = try await storage.events(after: .start, limit: 10)
            #expect(events.map(\.position.rawValue) == [1, 2, 3])
        }
    }

    @Test func aChangeOfTheSchemaMayTakeItsTime() async throws {
        try await withRelay { engine, _, _ in
            try await retrying { try await read(engine) }

            let failure = await storageFailure {
                try await engine.write { connection in _ = try connection.rows("SELECT 1 FROM pg_sleep(5)") }
            }
            let rows = try await engine.write { connection in
                connection.allowLongStatements()
                return try connection.rows("SELECT 1 FROM pg_sleep(5)")
            }

            #expect(failure?.code == .unavailable)
            #expect(rows == [[.int(1)]])
        }
    }
}
