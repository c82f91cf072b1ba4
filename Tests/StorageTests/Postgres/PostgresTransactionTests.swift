// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import Testing

@testable import StoragePostgres

@Suite(.enabled(if: PostgresServer.isGiven, PostgresServer.comment))
struct PostgresTransactionTests {
    private static let createTable = "CREATE TABLE t (n bigint CONSTRAINT t_pkey PRIMARY KEY, name text)"

    private func numbers(_ engine: PostgresEngine) async throws -> [Int64] {
        try await engine.read { connection in
            try connection.rows("SELECT n FROM t ORDER BY n").compactMap { row in
                if case .int(let number) = row[0] { number } else { nil }
            }
        }
    }

    @Test func pipelineAnswersInOrder() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            let answers = try await engine.write { connection in
                try connection.execute(Self.createTable)
                #expect(try connection.rows(pipelined: []).isEmpty)
                return try connection.rows(pipelined: [
                    SQLStatement("INSERT INTO t (n) VALUES ($1) RETURNING n", [.int(1)]),
                    SQLStatement("INSERT INTO t (n) VALUES ($1) RETURNING n", [.int(2)]),
                    SQLStatement("UPDATE t SET name = $1", [.text("x")]),
                    SQLStatement("SELECT n, name FROM t ORDER BY n"),
                ])
            }

            #expect(answers == [[[.int(1)]], [[.int(2)]], [], [[.int(1), .text("x")], [.int(2), .text("x")]]])
        }
    }

    @Test func pipelineLargerThanEveryBufferDoesNotDeadlock() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            let text = String(repeating: "x", count: 1 << 16)

            let answers = try await engine.read { connection in
                try connection.rows(
                    pipelined: (0..<500).map { _ in SQLStatement("SELECT $1 || $1", [.text(text)]) })
            }

            #expect(answers.count == 500)
            #expect(answers.allSatisfy { $0 == [[.text(text + text)]] })
        }
    }

    @Test func errorInPipelineFailsTheCallAndUndoesTheTransaction() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            try await engine.write { connection in _ = try connection.execute(Self.createTable) }

            let error = await storageFailure {
                try await engine.write { connection in
                    _ = try connection.rows(pipelined: [
                        SQLStatement("INSERT INTO t (n) VALUES (1)"),
                        SQLStatement("INSERT INTO t (n) VALUES (1)"),
                        SQLStatement("INSERT INTO t (n) VALUES (2)"),
                    ])
                }
            }

            #expect(error?.code == .conflict(constraint: "t_pkey"))
            #expect(try await numbers(engine) == [])
            try await engine.write { connection in _ = try connection.execute("INSERT INTO t (n) VALUES (3)") }
            #expect(try await numbers(engine) == [3])
        }
    }

    @Test func savepointUndoesOnlyItsOwn() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            try await engine.write { connection in
                try connection.execute(Self.createTable)
                try connection.savepoint {
                    _ = try connection.execute("INSERT INTO t (n) VALUES (1)")
                    do throws(StorageError) {
                        try connection.savepoint {
                            try connection.execute("INSERT INTO t (n) VALUES (2)")
                            try connection.execute("INSERT INTO t (n) VALUES (1)")
                        }
                    } catch {
                        #expect(error.code == .conflict(constraint: "t_pkey"))
                    }
                    _ = try connection.execute("INSERT INTO t (n) VALUES (3)")
                }
                do throws(StorageError) {
                    try connection.savepoint {
                        try connection.execute("INSERT INTO t (n) VALUES (4)")
                        throw StorageError(.notFound, "Nothing there.")
                    }
                } catch {
                    #expect(error.code == .notFound)
                }
            }

            #expect(try await numbers(engine) == [1, 3])
        }
    }

    @Test func savepointUndoneJustBeforeCommitStaysUndone() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            try await engine.write { connection in
                try connection.execute(Self.createTable)
                try connection.execute("INSERT INTO t (n) VALUES (1)")
                do throws(StorageError) {
                    try connection.savepoint { _ = try connection.execute("INSERT INTO t (n) VALUES (1)") }
                } catch {}
            }

            #expect(try await numbers(engine) == [1])
        }
    }

    @Test func whatTheBodyThrowsComesOutAfterARollback() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            try await engine.write { connection in _ = try connection.execute(Self.createTable) }

            let error = await storageFailure {
                try await engine.write { connection in
                    try connection.execute("INSERT INTO t (n) VALUES (1)")
                    throw StorageError(.notFound, "Nothing there.")
                }
            }

            #expect(error?.code == .notFound)
            #expect(try await numbers(engine) == [])
        }
    }

    @Test func commitOfAFailedTransactionIsNoSuccess() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            try await engine.write { connection in _ = try connection.execute(Self.createTable) }

            let error = await storageFailure {
                try await engine.write { connection in
                    try connection.execute("INSERT INTO t (n) VALUES (1)")
                    do { _ = try connection.rows("SELECT 1 / 0") } catch {}
                }
            }

            #expect(error?.code == .writeFailed)
            #expect(try await numbers(engine) == [])
        }
    }

    @Test func deferredConstraintFailsAtCommitByName() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            try await engine.write { connection in
                _ = try connection.execute(
                    "CREATE TABLE t (n bigint CONSTRAINT later UNIQUE DEFERRABLE INITIALLY DEFERRED)")
            }

            let error = await storageFailure {
                try await engine.write { connection in _ = try connection.execute("INSERT INTO t (n) VALUES (1), (1)") }
            }

            #expect(error?.code == .conflict(constraint: "later"))
            #expect(try await numbers(engine) == [])
        }
    }

    @Test func readerSeesOneStateThroughout() async throws {
        try await PostgresTestDatabase.withEngine { engine, database in
            try await engine.write { connection in _ = try connection.execute(Self.createTable) }
            try await database.raw.query("SELECT pg_advisory_lock(1)")

            async let counts = engine.read { connection in
                let before = try connection.rows("SELECT count(*) FROM t")
                _ = try connection.rows("SELECT pg_advisory_xact_lock_shared(1)")
                return [before, try connection.rows("SELECT count(*) FROM t")]
            }
            try await database.raw.waitUntil(
                """
                SELECT count(*) = 1 FROM pg_locks
                WHERE NOT granted AND locktype = 'advisory'
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                """)
            try await engine.write { connection in _ = try connection.execute("INSERT INTO t (n) VALUES (1)") }
            try await database.raw.query("SELECT pg_advisory_unlock(1)")

            #expect(try await counts == [[[.int(0)]], [[.int(0)]]])
            #expect(try await numbers(engine) == [1])
        }
    }

    @Test func readerCannotWrite() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            let error = await storageFailure {
                try await engine.read { connection in _ = try connection.execute(Self.createTable) }
            }

            #expect(error?.code == .unusable)
            #expect(error?.cause?.hasPrefix("25006") == true)
        }
    }

    @Test func missingTableAsksForMigration() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            let error = await storageFailure { _ = try await numbers(engine) }

            #expect(error?.code == .needsMigration)
        }
    }

    @Test func errorTextsShowNeitherSQLNorRows() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            let error = await storageFailure {
                try await engine.write { connection in
                    try connection.execute("CREATE TABLE s (hash text UNIQUE CHECK (hash <> 'hunter2'))")
                    try connection.execute("INSERT INTO s (hash) VALUES ($1)", [.text("hunter2")])
                }
            }

            let text = String(reflecting: try #require(error))
            #expect(!text.contains("hunter2"))
            #expect(!text.contains("INSERT"))
        }
    }

    @Test func preparedStatementsAreBounded() async throws {
        try await PostgresTestDatabase.withEngine(maximumPreparedStatements: 10) { engine, _ in
            let prepared = try await engine.write { connection in
                for round in 0..<3 {
                    for number in 0..<25 {
                        #expect(try connection.rows("SELECT \(number) + $1", [.int(Int64(round))]).count == 1)
                    }
                }
                return try connection.rows("SELECT count(*) FROM pg_prepared_statements")
            }

            guard case .int(let count) = prepared[0][0] else {
                Issue.record("no count")
                return
            }
            // One more while the next round trip brings the DEALLOCATE, and the counting statement itself.
            #expect((1...12).contains(count))
        }
    }

    @Test func sameStatementIsPreparedOnce() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            for _ in 0..<5 {
                try await engine.write { connection in
                    _ = try connection.rows(pipelined: [
                        SQLStatement("SELECT $1", [.int(1)]), SQLStatement("SELECT $1", [.int(2)]),
                    ])
                }
            }
            let rows = try await engine.write { connection in
                try connection.rows("SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1'")
            }

            #expect(rows == [[.int(1)]])
        }
    }

    @Test func sessionSettingsAreOurs() async throws {
        try await PostgresTestDatabase.withEngine { engine, database in
            try await database.raw.query(
                "ALTER DATABASE \(database.configuration.database) SET synchronous_commit = off")
            let settings = """
                SELECT current_setting('synchronous_commit'), current_setting('application_name'),
                    current_setting('TimeZone'), current_setting('statement_timeout')
                """

            let writer = try await engine.write { connection in try connection.rows(settings) }
            let reader = try await engine.read { connection in try connection.rows(settings) }
            let facts = try await engine.facts()

            #expect(writer == [[.text("on"), .text("parley"), .text("UTC"), .text("0")]])
            #expect(reader == [[.text("on"), .text("parley"), .text("UTC"), .text("30s")]])
            #expect(facts.version.hasPrefix("PostgreSQL 1"))
            #expect(facts.location == database.configuration.location)
            #expect(facts.sizeBytes > 1_000_000)
            #expect(facts.durability["synchronous_commit"] == "on")
            #expect(Set(facts.durability.keys) == ["fsync", "synchronous_commit", "full_page_writes"])
        }
    }

    /// A migration may take longer than a statement waits for a lock.
    @Test func migrationsTakeTurnsHoweverLongTheyTake() async throws {
        try await PostgresTestDatabase.with { database in
            var configuration = database.configuration
            configuration.lockTimeout = .milliseconds(20)
            let storage = Storage(
                engine: PostgresEngine(configuration, logger: .silent), now: { Timestamp(seconds: 1) })
            try await database.raw.query("SELECT pg_advisory_lock(\(PostgresDialect.migrationLock))")

            async let applied = storage.migrate()
            try await database.raw.waitUntil(
                """
                SELECT EXISTS (
                    SELECT 1 FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event = 'advisory'
                        AND clock_timestamp() - query_start > interval '200 ms')
                """)
            try await database.raw.query("SELECT pg_advisory_unlock_all()")

            #expect(try await applied == storage.engine.dialect.migrations.map(\.identifier))
            // Its own statements wait no longer than others.
            let limit = try await storage.engine.write { connection in
                for statement in storage.engine.dialect.beforeMigration { try connection.execute(statement) }
                return try connection.rows("SHOW lock_timeout")
            }
            #expect(limit == [[.text("20ms")]])
            await storage.close()
        }
    }
}
