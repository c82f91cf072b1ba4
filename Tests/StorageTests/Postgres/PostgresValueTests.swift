// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import StoragePostgres
import Testing

@Suite(.enabled(if: PostgresServer.isGiven, PostgresServer.comment))
struct PostgresValueTests {
    @Test func valuesComeBackAsTheyWent() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            let texts = [
                "", "a", "'; DROP TABLE v; --",
                "žluťoučký 🐎 中文\n\t\\", String(repeating: "ä", count: 500_000),
            ]
            let blobs: [[UInt8]] = [[], [0], [0, 255, 92], (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }]
            let numbers: [Int64] = [0, 1, -1, .max, .min, 1 << 31, -(1 << 31) - 1]
            var rows: [SQLRow] = [[.int(1), .null, .null, .null]]
            for text in texts { rows.append([.int(Int64(rows.count + 1)), .null, .text(text), .null]) }
            for blob in blobs { rows.append([.int(Int64(rows.count + 1)), .null, .null, .bytes(blob)]) }
            for number in numbers { rows.append([.int(Int64(rows.count + 1)), .int(number), .null, .null]) }
            let expected = rows

            try await engine.write { connection in
                try connection.execute("CREATE TABLE v (id bigint PRIMARY KEY, n bigint, t text, b bytea)")
                for row in expected {
                    try connection.execute("INSERT INTO v (id, n, t, b) VALUES ($1, $2, $3, $4)", row)
                }
            }
            let found = try await engine.read { connection in
                try connection.rows("SELECT id, n, t, b FROM v ORDER BY id")
            }

            #expect(found == expected)
        }
    }

    @Test(
        arguments: [
            ("7::int4", .int(7)), ("(-7)::int2", .int(-7)), ("true", .int(1)), ("false", .int(0)),
            ("sum(x) FROM (VALUES (9223372036854775806::bigint), (1)) AS v (x)", .int(.max)),
            ("sum(x) FROM (VALUES (9223372036854775807::bigint), (1)) AS v (x)", .text("9223372036854775808")),
            ("(-12345678901234)::numeric", .int(-12_345_678_901_234)), ("0::numeric", .int(0)),
            ("10000::numeric", .int(10_000)), ("100000000::numeric", .int(100_000_000)),
            ("0.00000123::numeric", .text("0.00000123")), ("-12.5000::numeric", .text("-12.5000")),
            ("1234567.0001::numeric", .text("1234567.0001")), ("'NaN'::numeric", .text("NaN")),
            ("2.0::float8", .int(2)), ("2.5::float8", .text("2.5")), ("0.25::float4", .text("0.25")),
            ("'x'::name", .text("x")), ("'x'::varchar(3)", .text("x")), ("NULL", .null), ("'[1]'::json", .text("[1]")),
            ("pg_advisory_xact_lock_shared(1)", .null),
        ] as [(String, SQLValue)])
    func columnsOfOtherTypesAreDecoded(expression: String, expected: SQLValue) async throws {
        let engine = PostgresEngine(try PostgresServer.configuration(), logger: .silent)

        let rows = try await engine.read { connection in try connection.rows("SELECT \(expression)") }
        await engine.close()

        #expect(rows == [[expected]])
    }

    @Test func unreadableTypeFailsOnlyItsStatement() async throws {
        let engine = PostgresEngine(try PostgresServer.configuration(), logger: .silent)

        let codes = try await engine.read { connection in
            var codes: [StorageError.Code] = []
            do throws(StorageError) {
                _ = try connection.rows("SELECT point(1, 2)")
            } catch {
                codes.append(error.code)
            }
            return try connection.rows("SELECT 1") == [[.int(1)]] ? codes : []
        }
        await engine.close()

        #expect(codes == [.readFailed])
    }

    @Test func zeroCharacterInTextIsRefusedNotCut() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            let error = await storageFailure {
                try await engine.write { connection in _ = try connection.rows("SELECT $1", [.text("a\u{0}b")]) }
            }

            #expect(error?.code == .writeFailed)
            #expect(error?.cause?.hasPrefix("22021") == true)
        }
    }

    @Test func oneStatementTakesNullAndValueForTheSameParameter() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            let rows = try await engine.write { connection in
                try connection.execute("CREATE TABLE t (n bigint, i int)")
                for value in [SQLValue.null, .int(5), .null, .int(6)] {
                    try connection.execute("INSERT INTO t (n, i) VALUES ($1, $2)", [value, value])
                }
                return try connection.rows("SELECT n, i FROM t WHERE n IS NOT NULL ORDER BY n LIMIT $1", [.int(9)])
            }

            #expect(rows == [[.int(5), .int(5)], [.int(6), .int(6)]])
        }
    }

    @Test func insertTakesManyRowsWithNulls() async throws {
        let insertion = SQLInsertion(
            into: "t", columns: [("id", .int), ("n", .int), ("t", .text), ("b", .bytes)])
        try await PostgresTestDatabase.withEngine { engine, _ in
            let rows: [SQLRow] = (0..<12_345).map { index in
                [
                    .int(Int64(index)), index.isMultiple(of: 3) ? .null : .int(-Int64(index)),
                    index.isMultiple(of: 5) ? .null : .text("č\(index)"),
                    index.isMultiple(of: 7) ? .null : .bytes([UInt8](repeating: 0, count: index % 11)),
                ]
            }

            let found = try await engine.write { connection in
                try connection.execute("CREATE TABLE t (id bigint, n bigint, t text, b bytea)")
                try connection.insert(insertion, rows: [])
                try connection.insert(insertion, rows: rows)
                return try connection.rows("SELECT id, n, t, b FROM t ORDER BY id")
            }

            #expect(found == rows)
        }
    }

    @Test func insertRefusesRowsOfAnotherForm() async throws {
        let insertion = SQLInsertion(into: "t", columns: [("n", .int)])
        try await PostgresTestDatabase.withEngine { engine, _ in
            for row in [[.text("x")], [], [.int(1), .int(2)]] as [SQLRow] {
                let error = await storageFailure {
                    try await engine.write { connection in
                        try connection.execute("CREATE TABLE t (n bigint)")
                        try connection.insert(insertion, rows: [[.int(1)], row])
                    }
                }
                #expect(error?.code == .writeFailed)
            }
        }
    }

    @Test func executeCountsChangedRows() async throws {
        try await PostgresTestDatabase.withEngine { engine, _ in
            let counts = try await engine.write { connection in
                [
                    try connection.execute("CREATE TABLE t (n bigint PRIMARY KEY)"),
                    try connection.execute("INSERT INTO t (n) VALUES (1), (2), (3)"),
                    try connection.execute("INSERT INTO t (n) VALUES (1), (4) ON CONFLICT DO NOTHING RETURNING n"),
                    try connection.execute("UPDATE t SET n = n + 10 WHERE n > $1", [.int(2)]),
                    try connection.execute("SELECT n FROM t"),
                    try connection.execute("DELETE FROM t"),
                ]
            }

            #expect(counts == [0, 3, 1, 2, 0, 4])
        }
    }
}
