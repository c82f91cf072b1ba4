// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import StoragePostgres
import StorageSQLite
import Testing

struct PostgresDialectTests {
    @Test func migrationsAreThoseOfSQLite() {
        #expect(
            PostgresDialect.dialect.migrations.map(\.identifier) == SQLiteDialect.dialect.migrations.map(\.identifier))
    }

    @Test(.enabled(if: PostgresServer.isGiven, PostgresServer.comment))
    func migrationsMakeTheTablesAndDropAllTakesThemAway() async throws {
        try await PostgresTestDatabase.withEngine { engine, database in
            let dialect = engine.dialect
            let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
            let exists = [dialect.migrationsTableExists, dialect.anyTableExists].map { SQLStatement($0) }

            for _ in 0..<2 {
                let before = try await engine.read { connection throws(StorageError) in
                    try connection.rows(pipelined: exists)
                }
                try await Self.migrate(engine)
                let after = try await engine.read { connection throws(StorageError) in
                    try connection.rows(pipelined: exists)
                }
                let found = try await database.raw.query(tables)
                try await engine.write { connection throws(StorageError) in
                    for statement in dialect.dropAllTables { try connection.execute(statement) }
                }

                #expect(before == [[], []])
                #expect(after == [[[.int(1)]], [[.int(1)]]])
                #expect(dialect.dropAllTables.sorted() == found.map { "DROP TABLE IF EXISTS \($0)" })
                #expect(try await database.raw.query(tables) == [])
            }
        }
    }

    @Test(.enabled(if: PostgresServer.isGiven, PostgresServer.comment))
    func searchFindsNewestFirst() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            try await Self.migrate(engine)
            let search = engine.dialect.search
            let longest = (0..<100_000).map { String($0, radix: 36) }.joined(separator: " ")
            let texts: [(Int64, String)] = [
                (1, "The quick brown fox"), (2, "a lazy dog"), (3, "Quick! It's the dog"), (4, longest),
                (5, "Über Äpfel"),
            ]
            try await engine.write { connection throws(StorageError) in
                for (position, text) in texts {
                    for put in search.put { try connection.execute(put, [.int(position), .text(text)]) }
                }
                for put in search.put { try connection.execute(put, [.int(2), .text("a lazy cat")]) }
            }
            let find = { @Sendable (words: String, below: Int64, limit: Int64) in
                try await engine.read { connection throws(StorageError) in
                    try connection.rows(search.match, [.text(words), .int(below), .int(limit)])
                }
            }

            #expect(try await find("quick", .max, 10) == [[.int(3)], [.int(1)]])
            #expect(try await find("quick", 3, 10) == [[.int(1)]])
            #expect(try await find("quick", .max, 1) == [[.int(3)]])
            #expect(try await find("dog", .max, 10) == [[.int(3)]])
            #expect(try await find("cat lazy", .max, 10) == [[.int(2)]])
            #expect(try await find("über", .max, 10) == [[.int(5)]])
            #expect(try await find("\"' & | ! ( :* <->", .max, 10) == [])
            try await engine.write { connection throws(StorageError) in
                _ = try connection.execute(search.remove, [.int(3)])
            }
            #expect(try await find("quick", .max, 10) == [[.int(1)]])
        }
    }

    @Test(.enabled(if: PostgresServer.isGiven, PostgresServer.comment))
    func pairsAreReadFromText() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            let pairs = engine.dialect.pairs

            let rows = try await engine.read { connection throws(StorageError) in
                try connection.rows(
                    "SELECT p.flow_id, p.user_id FROM \(pairs) AS p ORDER BY p.user_id", [.text("[[1,3],[1,2]]")])
            }

            #expect(rows == [[.int(1), .int(2)], [.int(1), .int(3)]])
        }
    }

    private static func migrate(_ engine: PostgresEngine) async throws {
        try await engine.write { connection throws(StorageError) in
            for migration in engine.dialect.migrations {
                for statement in migration.statements { try connection.execute(statement) }
            }
        }
    }
}
