// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import StoragePostgres
import Testing

/// Hints survive the loss of their connection, and say that they were gone.
@Suite(.enabled(if: PostgresServer.isGiven, PostgresServer.comment))
struct PostgresSignalTests {
    private let listeners = """
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()
        """

    private func newcomer(_ number: UInt128) -> Write {
        let user = NewUser(
            uuid: Identifier(number), login: "\(number)", loginKey: "user \(number)", username: "", passwordHash: "")
        return Write(Write.CreateUser(user), by: WriteOrigin(uuid: Identifier(number), author: nil))
    }

    @Test func aLostConnectionIsMadeAnew() async throws {
        try await PostgresTestDatabase.withEngine { engine, database in
            let storage = Storage(engine: engine, now: { Timestamp(seconds: 1) })
            _ = try await storage.migrate()
            var hints = storage.signals.subscribe().makeAsyncIterator()
            #expect(await hints.next() == .reconnected)
            for round in 1...3 {
                let pid = try #require(Int64(try await database.raw.query(listeners).first ?? ""))
                try await database.raw.terminate(pid)
                // Whoever reads the log after this has missed nothing.
                #expect(await hints.next() == .reconnected)

                _ = try await storage.commit([newcomer(UInt128(round))])
                let news = LogNews(
                    from: Position(Int64(round) - 1), to: Position(Int64(round)), hasAccountEvents: true, flows: [])
                #expect(await hints.next() == .news(news))
            }
        }
    }

    @Test func aServerThatComesBackIsFound() async throws {
        try await PostgresTestDatabase.with { database in
            let proxy = try FaultyProxy(upstream: database.configuration.port)
            var configuration = database.configuration
            configuration.host = "127.0.0.1"
            configuration.port = proxy.port
            let engine = PostgresEngine(configuration, logger: .silent)
            let storage = Storage(engine: engine, now: { Timestamp(seconds: 1) })
            _ = try await storage.migrate()
            await proxy.stop()
            var hints = storage.signals.subscribe().makeAsyncIterator()

            try proxy.restart()
            #expect(await hints.next() == .reconnected)
            await proxy.stop()
            try proxy.restart()

            #expect(await hints.next() == .reconnected)
            await storage.close()
            #expect(await hints.next() == nil)
            await proxy.stop()
        }
    }

    @Test func withoutSubscribersThereIsNoConnection() async throws {
        try await PostgresTestDatabase.withEngine { engine, database in
            let storage = Storage(engine: engine, now: { Timestamp(seconds: 1) })
            _ = try await storage.migrate()
            _ = try await storage.commit([newcomer(1)])

            #expect(try await database.raw.query(listeners) == [])
        }
    }

    @Test func aTransactionThatIsRolledBackLeavesNoHint() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            let storage = Storage(engine: engine, now: { Timestamp(seconds: 1) })
            _ = try await storage.migrate()
            var hints = storage.signals.subscribe().makeAsyncIterator()
            #expect(await hints.next() == .reconnected)
            let notify = try #require(engine.dialect.notify)

            let failure = await storageFailure {
                try await engine.write { connection in
                    _ = try connection.rows(notify, [.text("1 2 0 ")])
                    throw StorageError(.writeFailed, "The test breaks this write.")
                }
            }
            // A payload that nobody understands is a reason to look.
            try await engine.write { connection in _ = try connection.rows(notify, [.text("something else")]) }

            #expect(failure?.code == .writeFailed)
            #expect(await hints.next() == .reconnected)
        }
    }
}
