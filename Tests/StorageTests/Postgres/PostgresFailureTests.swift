// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Storage
import StoragePostgres
import Synchronization
import TestSupport
import Testing

@Suite(.enabled(if: PostgresServer.isGiven, PostgresServer.comment))
struct PostgresFailureTests {
    private func writerPID(_ engine: PostgresEngine) async throws -> Int64 {
        let rows = try await engine.write { connection in try connection.rows("SELECT pg_backend_pid()") }
        guard case .int(let pid) = rows[0][0] else { throw RawFailure(text: "no pid") }
        return pid
    }

    private func insert(_ number: Int64, _ engine: PostgresEngine) async throws(StorageError) {
        try await engine.write { connection in
            _ = try connection.execute("INSERT INTO t (n) VALUES ($1)", [.int(number)])
        }
    }

    private func contains(_ number: Int64, _ engine: PostgresEngine) async throws(StorageError) -> Bool {
        try await engine.read { connection in
            try !connection.rows("SELECT 1 FROM t WHERE n = $1", [.int(number)]).isEmpty
        }
    }

    @Test func connectionKilledWhileIdleIsReplacedUnnoticed() async throws {
        try await PostgresTestDatabase.withEngine { engine, database in
            var pids: Set<Int64> = []
            for _ in 0..<5 {
                let pid = try await writerPID(engine)
                pids.insert(pid)
                try await database.raw.terminate(pid)
            }

            #expect(pids.count == 5)
        }
    }

    @Test func connectionKilledDuringAStatementFailsItAndNoMore() async throws {
        try await PostgresTestDatabase.withEngine { engine, database in
            try await database.raw.query("CREATE TABLE t (n bigint)")
            try await database.raw.query("SELECT pg_advisory_lock(1)")
            let pid = try await writerPID(engine)

            async let failure = storageFailure {
                try await engine.write { connection in
                    try connection.execute("INSERT INTO t (n) VALUES (1)")
                    _ = try connection.rows("SELECT pg_advisory_xact_lock(1)")
                }
            }
            try await database.raw.waitUntil("SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND pid = \(pid)")
            try await database.raw.terminate(pid)

            #expect(await failure?.code == .unavailable)
            try await insert(2, engine)
            #expect(try await !contains(1, engine))
            #expect(try await contains(2, engine))
        }
    }

    @Test func connectionKilledBetweenStatementsIsNoUnknownCommit() async throws {
        try await PostgresTestDatabase.withEngine { engine, database in
            try await database.raw.query("CREATE TABLE t (n bigint)")
            let pid = try await writerPID(engine)
            let (inserted, continueInserted) = AsyncStream.makeStream(of: Void.self)
            let killed = Mutex(false)

            async let failure = storageFailure {
                try await engine.write { connection in
                    try connection.execute("INSERT INTO t (n) VALUES (1)")
                    continueInserted.finish()
                    // This thread is the engine's own and may wait.
                    while !killed.withLock({ $0 }) { sched_yield() }
                }
            }
            for await _ in inserted {}
            try await database.raw.terminate(pid)
            killed.withLock { $0 = true }

            #expect(await failure?.code == .unavailable)
            #expect(try await !contains(1, engine))
        }
    }

    @Test func connectionKilledDuringCommitIsUnknown() async throws {
        try await PostgresTestDatabase.withEngine { engine, database in
            // COMMIT waits in a deferred trigger for a lock that the test holds.
            try await database.raw.query("CREATE TABLE t (n bigint)")
            try await database.raw.query(
                """
                CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql
                AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$
                """)
            try await database.raw.query(
                """
                CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION wait()
                """)
            for number in Int64(0)..<10 {
                let pid = try await writerPID(engine)
                try await database.raw.query("SELECT pg_advisory_lock(1)")
                async let failure = storageFailure { try await insert(number, engine) }
                try await database.raw.waitUntil(
                    """
                    SELECT count(*) = 1 FROM pg_stat_activity
                    WHERE pid = \(pid) AND query = 'COMMIT' AND wait_event = 'advisory'
                    """
                )
                try await database.raw.terminate(pid)

                #expect(await failure?.code == .commitUnknown)
                try await database.raw.query("SELECT pg_advisory_unlock(1)")
                #expect(try await !contains(number, engine))
            }
        }
    }

    @Test(arguments: [FaultyProxy.CommitFault.cutBeforeServer, .cutBeforeClient])
    func answerOfCommitLostIsUnknown(fault: FaultyProxy.CommitFault) async throws {
        try await PostgresTestDatabase.with { database in
            try await database.raw.query("CREATE TABLE t (n bigint)")
            let proxy = try FaultyProxy(upstream: database.configuration.port)
            var configuration = database.configuration
            configuration.host = "127.0.0.1"
            configuration.port = proxy.port
            configuration.parameters["sslmode"] = "disable"
            let engine = PostgresEngine(configuration, logger: .silent)

            for number in Int64(0)..<10 {
                // A COMMIT of an earlier reader must not take the fault.
                _ = try await writerPID(engine)
                proxy.breakNextCommit(fault)
                let error = await storageFailure { try await insert(number, engine) }
                #expect(error?.code == .commitUnknown)
                if fault == .cutBeforeServer {
                    #expect(try await database.raw.query("SELECT count(*) FROM t") == ["0"])
                } else {
                    #expect(try await database.raw.query("SELECT count(*) FROM t WHERE n = \(number)") == ["1"])
                }
            }
            await engine.close()
            await proxy.stop()
        }
    }

    @Test func serverThatIsGoneIsUnavailableAndComesBack() async throws {
        try await PostgresTestDatabase.with { database in
            let proxy = try FaultyProxy(upstream: database.configuration.port)
            var configuration = database.configuration
            configuration.host = "127.0.0.1"
            configuration.port = proxy.port
            let clock = ManualClock()
            let engine = PostgresEngine(configuration, logger: .silent, clock: clock, random: { .max })
            _ = try await writerPID(engine)
            let select = "SELECT 1"
            _ = try await engine.read { connection in try connection.rows(select) }

            for _ in 0..<3 {
                await proxy.stop()
                let write = await storageFailure { _ = try await writerPID(engine) }
                let read = await storageFailure {
                    _ = try await engine.read { connection in try connection.rows(select) }
                }
                #expect(write?.code == .unavailable)
                #expect(read?.code == .unavailable)

                // It is back, but the pause is not over: refused without an attempt.
                try proxy.restart()
                let attempts = proxy.accepted
                let early = await storageFailure { _ = try await writerPID(engine) }
                #expect(early?.code == .unavailable)
                #expect(proxy.accepted == attempts)

                clock.advance(by: .seconds(60))
                _ = try await writerPID(engine)
                let rows = try await engine.read { connection in try connection.rows(select) }
                #expect(rows == [[.int(1)]])
            }
            await engine.close()
            await proxy.stop()
        }
    }

    @Test func wrongPasswordIsNamedAndNotShown() async throws {
        var configuration = try PostgresServer.configuration()
        configuration.password = "not-the-password"
        let engine = PostgresEngine(configuration, logger: .silent)

        let error = await storageFailure { _ = try await writerPID(engine) }
        await engine.close()

        #expect(error?.code == .unusable)
        #expect(error?.message.contains("user name or password") == true)
        #expect(!String(reflecting: error).contains("not-the-password"))
    }

    @Test func missingDatabaseIsUnusable() async throws {
        var configuration = try PostgresServer.configuration()
        configuration.database = "parley_not_there"
        let engine = PostgresEngine(configuration, logger: .silent)

        let error = await storageFailure { _ = try await engine.facts() }
        await engine.close()

        #expect(error?.code == .unusable)
        #expect(error?.message.contains("createdb") == true)
    }

    @Test func otherEncodingIsRefused() async throws {
        try await PostgresTestDatabase.with(encoding: "LATIN1") { database in
            let engine = PostgresEngine(database.configuration, logger: .silent)

            let error = await storageFailure { _ = try await engine.facts() }
            await engine.close()

            #expect(error?.code == .unusable)
            #expect(error?.message.contains("LATIN1") == true)
        }
    }

    @Test func unknownParameterIsNamed() async throws {
        var configuration = try PostgresServer.configuration()
        configuration.parameters["sslmod"] = "require"
        let engine = PostgresEngine(configuration, logger: .silent)

        let error = await storageFailure { _ = try await engine.facts() }
        await engine.close()

        #expect(error?.code == .unusable)
        #expect(error?.message.contains("'sslmod'") == true)
    }

    @Test func missingRootCertificateIsNamed() async throws {
        var configuration = try PostgresServer.configuration()
        configuration.parameters["sslmode"] = "verify-full"
        configuration.parameters["sslrootcert"] = "/nonexistent/root.pem"
        let engine = PostgresEngine(configuration, logger: .silent)

        let error = await storageFailure { _ = try await engine.facts() }
        await engine.close()

        #expect(error?.code == .unusable)
        #expect(error?.message.contains("sslrootcert") == true)
    }

    @Test func missingPasswordIsNamed() async throws {
        var configuration = try PostgresServer.configuration()
        configuration.password = nil
        configuration.parameters["passfile"] = "/nonexistent/pgpass"
        let engine = PostgresEngine(configuration, logger: .silent)

        let error = await storageFailure { _ = try await engine.facts() }
        await engine.close()

        #expect(error?.code == .unusable)
        #expect(error?.message.contains("asks for a password") == true)
    }

    @Test func unknownHostIsNamed() async throws {
        var configuration = try PostgresServer.configuration()
        configuration.host = "host.invalid"
        let engine = PostgresEngine(configuration, logger: .silent)

        let error = await storageFailure { _ = try await engine.facts() }
        await engine.close()

        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("is not known") == true)
    }
}
