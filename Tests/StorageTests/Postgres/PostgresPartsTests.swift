// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CPostgres
import Storage
import Testing

@testable import StoragePostgres

struct PostgresPartsTests {
    @Test func configurationIsReadFromAnAddress() throws {
        let configuration = try PostgresConfiguration(
            uri: "postgres://alice:p%40ss%2Fword@db.example:6543/chat?sslmode=require&connect_timeout=3")

        #expect(configuration.host == "db.example")
        #expect(configuration.port == 6543)
        #expect(configuration.database == "chat")
        #expect(configuration.user == "alice")
        #expect(configuration.password == "p@ss/word")
        #expect(configuration.parameters == ["sslmode": "require"])
        #expect(configuration.connectTimeout == .seconds(3))
        #expect(configuration.location == "postgres://db.example:6543/chat")
    }

    @Test(arguments: [
        "mysql://a:secret@h/x", "postgres://a:secret@h:port/x", "postgres://a:secret@h:1,h:2/x", "postgres://h:70000/x",
        "postgres://a:secret@h/x?nonsense=1", "postgres://h", "", "postgres://a:secret@[::1/x", "postgres://%zz",
    ])
    func wrongAddressIsRefusedWithoutRepeatingIt(uri: String) throws {
        let error = try #require(throws: StorageError.self) { try PostgresConfiguration(uri: uri) }

        #expect(error.code == .unusable)
        #expect(!String(reflecting: error).contains("secret"))
    }

    @Test func noTextOfTheConfigurationShowsThePassword() {
        let configuration = PostgresConfiguration(
            host: "h", database: "d", user: "u", password: "hunter2", parameters: ["sslpassword": "hunter3"])
        var dumped = ""
        dump(configuration, to: &dumped)

        for text in ["\(configuration)", String(reflecting: configuration), "\([configuration])", dumped] {
            #expect(!text.contains("hunter"))
            #expect(text.contains("postgres://h:5432/d"))
        }
    }

    @Test func pausesGrowUpToABound() {
        var backoff = ReconnectBackoff()
        #expect(backoff.allowsAttempt(at: .zero))

        var now = Duration.zero
        var pauses: [Duration] = []
        for _ in 0..<12 {
            backoff.failed(at: now, random: .max)
            let start = now
            while !backoff.allowsAttempt(at: now) { now += .milliseconds(10) }
            pauses.append(now - start)
        }

        #expect(pauses.prefix(4) == [.milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800)])
        #expect(pauses.suffix(3).allSatisfy { $0 == .seconds(10) })
        backoff.succeeded()
        #expect(backoff.allowsAttempt(at: now))
    }

    @Test func randomnessHalvesAPauseAtMost() {
        var backoff = ReconnectBackoff()

        backoff.failed(at: .zero, random: 0)

        #expect(!backoff.allowsAttempt(at: .milliseconds(49)))
        #expect(backoff.allowsAttempt(at: .milliseconds(50)))
    }

    @Test func cacheForgetsTheLeastRecentlyUsed() {
        var cache = StatementCache(limit: 2)
        func key(_ sql: String) -> StatementCache.Key { StatementCache.Key(sql: sql, types: [TypeID.int8]) }
        cache.prepared(key("a"), as: cache.newName())
        cache.prepared(key("b"), as: cache.newName())
        #expect(cache.name(for: key("a")) == "s1")

        cache.prepared(key("c"), as: cache.newName())

        #expect(cache.name(for: key("b")) == nil)
        #expect(cache.name(for: key("a")) == "s1")
        #expect(cache.name(for: key("c")) == "s3")
        #expect(cache.name(for: StatementCache.Key(sql: "a", types: [TypeID.text])) == nil)
        #expect(cache.evicted == ["s2"])
        cache.deallocated("s2")
        #expect(cache.evicted == [])
    }

    @Test(arguments: [
        ("23505", true, StorageError.Code.conflict(constraint: "key")), ("08006", true, .unavailable),
        ("57P01", false, .unavailable), ("57P03", false, .unavailable), ("25006", true, .unusable),
        ("40001", true, .unavailable), ("40P01", true, .unavailable), ("42P01", false, .needsMigration),
        ("42703", false, .needsMigration), ("53300", false, .unavailable), ("53100", true, .full),
        ("55P03", true, .unavailable), ("57014", false, .readFailed), ("22012", false, .readFailed),
        ("22012", true, .writeFailed), ("23503", true, .writeFailed), ("", true, .unavailable),
        ("XX001", false, .unusable),
    ])
    func statesHaveTheirMeaning(sqlState: String, writing: Bool, code: StorageError.Code) {
        let report = ServerReport(sqlState: sqlState, constraint: "key", text: "server\nwords")

        let error = StorageError(report, writing: writing)

        #expect(error.code == code)
        #expect(error.cause == (sqlState.isEmpty ? "server words" : "\(sqlState): server words"))
        #expect(!error.message.contains("server words"))
    }

    @Test(
        arguments: [
            ([0, 1], TypeID.int8), ([], TypeID.int4), ([1, 2, 3], TypeID.numeric),
            ([0, 1, 0, 0, 0, 0, 0, 0], TypeID.numeric),
            ([0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10], TypeID.numeric), ([1], 99_999),
        ] as [([UInt8], Oid)])
    func malformedColumnsAreErrors(bytes: [UInt8], type: Oid) {
        #expect(throws: StorageError.self) {
            try bytes.withUnsafeBytes { buffer in try ColumnDecoder.value(of: buffer, type: type) }
        }
    }
}
