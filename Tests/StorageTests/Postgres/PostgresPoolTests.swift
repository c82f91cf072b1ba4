// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import Storage
import StoragePostgres
import TestSupport
import Testing

@Suite(.enabled(if: PostgresServer.isGiven, PostgresServer.comment))
struct PostgresPoolTests {
    private static let waitForLock = "SELECT pg_advisory_xact_lock_shared(1)"
    private static func waiting(_ count: Int) -> String {
        """
        SELECT count(*) = \(count) FROM pg_locks
        WHERE NOT granted AND locktype = 'advisory'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """
    }

    private static let nobodyElse = """
        SELECT count(*) = 0 FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
        """

    @Test func manyReadersShareFewConnections() async throws {
        try await PostgresTestDatabase.withEngine(readerConnections: 3) { engine, _ in
            let pids = try await withThrowingTaskGroup(of: SQLRow.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        try await engine.read { connection in
                            try connection.rows("SELECT pg_backend_pid(), $1", [.int(Int64(number))])[0]
                        }
                    }
                }
                var pids: [Int64: Set<Int64>] = [:]
                for try await row in group {
                    guard case .int(let pid) = row[0], case .int(let number) = row[1] else { continue }
                    pids[pid, default: []].insert(number)
                }
                return pids
            }

            #expect((1...3).contains(pids.count))
            #expect(pids.values.reduce(0) { $0 + $1.count } == 200)
        }
    }

    @Test func oneAfterTheOtherUsesOneConnection() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            var pids: Set<Int64> = []
            for _ in 0..<50 {
                let row = try await engine.read { connection in try connection.rows("SELECT pg_backend_pid()")[0] }
                if case .int(let pid) = row[0] { pids.insert(pid) }
            }

            #expect(pids.count == 1)
        }
    }

    @Test func waitingForAConnectionIsBounded() async throws {
        try await PostgresTestDatabase.withEngine(
            readerConnections: 2, maximumWaiters: 1, waitTimeout: .milliseconds(50)
        ) { engine, database in
            try await database.raw.query("SELECT pg_advisory_lock(1)")
            async let first = engine.read { connection in try connection.rows(Self.waitForLock) }
            async let second = engine.read { connection in try connection.rows(Self.waitForLock) }
            try await database.raw.waitUntil(Self.waiting(2))

            // One of two may wait, until its time is over; the other is refused at once.
            async let third = storageFailure {
                _ = try await engine.read { connection in try connection.rows("SELECT 1") }
            }
            async let fourth = storageFailure {
                _ = try await engine.read { connection in try connection.rows("SELECT 1") }
            }
            #expect(await third?.code == .unavailable)
            #expect(await fourth?.code == .unavailable)

            try await database.raw.query("SELECT pg_advisory_unlock(1)")
            #expect(try await first == [[.null]])
            #expect(try await second == [[.null]])
            let after = try await engine.read { connection in try connection.rows("SELECT 1") }
            #expect(after == [[.int(1)]])
        }
    }

    /// As the pages of connections that were closed while they waited.
    @Test func aCancelledReadLeavesTheQueue() async throws {
        try await PostgresTestDatabase.withEngine(readerConnections: 1) { engine, database in
            try await database.raw.query("SELECT pg_advisory_lock(1)")
            async let first = engine.read { connection in try connection.rows(Self.waitForLock) }
            try await database.raw.waitUntil(Self.waiting(1))
            let gone = Task {
                await storageFailure { _ = try await engine.read { connection in try connection.rows("SELECT 1") } }
            }
            while engine.waitingReads == 0 { await Task.yield() }

            gone.cancel()

            // The only connection is still taken.
            #expect(await gone.value?.message.hasPrefix("The request was cancelled") == true)
            #expect(engine.waitingReads == 0)
            try await database.raw.query("SELECT pg_advisory_unlock(1)")
            #expect(try await first == [[.null]])
        }
    }

    @Test func writesTakeTurns() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            try await engine.write { connection in
                try connection.execute("CREATE TABLE t (n bigint)")
                try connection.execute("INSERT INTO t (n) VALUES (0)")
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        try await engine.write { connection in
                            guard case .int(let number) = try connection.rows("SELECT n FROM t")[0][0] else { return }
                            try connection.execute("UPDATE t SET n = $1", [.int(number + 1)])
                        }
                    }
                }
                try await group.waitForAll()
            }
            let rows = try await engine.read { connection in try connection.rows("SELECT n FROM t")
            }

            #expect(rows == [[.int(100)]])
        }
    }

    @Test func idleReadersAreClosed() async throws {
        try await PostgresTestDatabase.withEngine(idleTimeout: .milliseconds(20)) { engine, database in
            _ = try await engine.read { connection in try connection.rows("SELECT 1") }

            try await database.raw.waitUntil(
                Self.nobodyElse
            )

            let rows = try await engine.read { connection in try connection.rows("SELECT 1") }
            #expect(rows == [[.int(1)]])
        }
    }

    @Test func closedEngineLetsGoOfEverythingAndRefuses() async throws {
        try await PostgresTestDatabase.with { database in
            let engine = PostgresEngine(database.configuration, logger: .silent)
            try await database.raw.query("SELECT pg_advisory_lock(1)")
            async let running = engine.read { connection in try connection.rows(Self.waitForLock) }
            _ = try await engine.write { connection in try connection.rows("SELECT 1") }
            try await database.raw.waitUntil(Self.waiting(1))

            async let closing: Void = engine.close()
            var refused: StorageError?
            while refused == nil {
                do throws(StorageError) {
                    _ = try await engine.write { connection in try connection.rows("SELECT 1") }
                } catch {
                    refused = error
                }
                // The writer is closed after the readers, the last of which waits for the lock.
                try await database.raw.query("SELECT pg_advisory_unlock_all()")
            }
            await closing

            #expect(refused?.code == .unavailable)
            #expect(try await running == [[.null]])
            try await database.raw.waitUntil(
                Self.nobodyElse
            )
            await engine.close()
        }
    }

    @Test func noSocketIsLeft() async throws {
        var configuration = try PostgresServer.configuration()
        // Through a port of this test's own, so that its sockets can be told from those of others.
        let proxy = try FaultyProxy(upstream: configuration.port)
        configuration.host = "127.0.0.1"
        configuration.port = proxy.port
        func openSockets() -> Int { (0..<65_536).count { LoopbackAddress.peerPort(of: $0) == proxy.port } }

        for _ in 0..<20 {
            let engine = PostgresEngine(configuration, logger: .silent)
            _ = try await engine.read { connection in try connection.rows("SELECT 1") }
            _ = try await engine.write { connection in try connection.rows("SELECT 1") }
            #expect(openSockets() == 2)
            await engine.close()
            #expect(openSockets() == 0)
        }

        #expect(proxy.accepted == 40)
        await proxy.stop()
    }
}
