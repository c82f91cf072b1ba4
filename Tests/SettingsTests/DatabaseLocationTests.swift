// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Settings
import Testing

struct DatabaseLocationTests {
    @Test(arguments: [
        ("sqlite:db_sqlite.db", "/srv/chat/db_sqlite.db"), ("sqlite:/full/path.db", "/full/path.db"),
        ("sqlite:///full/path.db", "/full/path.db"), ("SQLite:./data/x.db", "/srv/chat/data/x.db"),
        ("sqlite:/with%20space.db?debug=True", "/with space.db"),
    ]) func sqliteFileIsRead(uri: String, path: String) throws {
        #expect(try DatabaseLocation(uri: uri, folder: "/srv/chat") == .sqlite(path: path))
    }

    @Test(arguments: ["sqlite:/:memory:", "sqlite::memory:", "sqlite:///:memory:"])
    func sqliteInMemoryIsRead(_ uri: String) throws {
        #expect(try DatabaseLocation(uri: uri, folder: "/") == .sqliteMemory)
    }

    @Test func postgresIsReadWithAllItsParts() throws {
        let uri =
            "postgres://us%40er:p%3Aa%2Fs@s@db.example:6543/my%20chat?sslmode=require&debug=True&connect_timeout=5"

        guard case .postgres(let location) = try DatabaseLocation(uri: uri, folder: "/") else {
            Issue.record("not read as PostgreSQL")
            return
        }

        #expect(location.user == "us@er")
        #expect(location.password == "p:a/s@s")
        #expect(location.host == "db.example")
        #expect(location.port == 6543)
        #expect(location.name == "my chat")
        #expect(location.parameters.map { "\($0.name)=\($0.value)" } == ["sslmode=require", "connect_timeout=5"])
    }

    @Test(arguments: [
        ("postgres://127.0.0.1/name", "127.0.0.1", 5432), ("postgresql://u@[::1]:1/name", "::1", 1),
        ("postgres:///name", "localhost", 5432), ("postgres:///name?host=/run/postgresql&port=9", "/run/postgresql", 9),
        ("postgres://%2Frun%2Fpostgresql/name", "/run/postgresql", 5432), ("postgres://h/?dbname=name", "h", 5432),
    ]) func hostAndPortAreRead(uri: String, host: String, port: Int) throws {
        guard case .postgres(let location) = try DatabaseLocation(uri: uri, folder: "/") else {
            Issue.record("not read as PostgreSQL")
            return
        }

        #expect(location.host == host)
        #expect(location.port == port)
        #expect(location.name == "name")
        #expect(location.password == nil)
    }

    @Test(arguments: [
        "mysql://root:hunter2@host/name", "mariadb://root:hunter2@host/name", "hunter2", "postgres:hunter2",
        "postgres://u:hunter2@host", "postgres://u:hunter2@host:99999/name", "postgres://u:hunter2%zz@host/name",
        "postgres://u:hunter2@host/name?nosuch=hunter2", "postgres://u:hunter2@[::1/name", "sqlite:", "sqlite:/tmp/",
        "sqlite://hunter2/name", "postgres://u:hunter2%00@h/name", "hunter2hunter2://x", "sqlite:a%FF.db",
    ]) func nonsenseIsRefusedWithoutShowingIt(_ uri: String) {
        let error = #expect(throws: DatabaseLocationError.self) { try DatabaseLocation(uri: uri, folder: "/") }

        #expect("\(error?.problem ?? "") \(error?.remedy ?? "")".contains("hunter2") == false)
    }

    @Test func otherEngineIsNamedTogetherWithThoseThereAre() {
        let error = #expect(throws: DatabaseLocationError.self) {
            try DatabaseLocation(uri: "mysql://user:word@host/name", folder: "/")
        }

        #expect(error?.problem.contains("'mysql'") == true)
        #expect(error?.remedy.contains("SQLite") == true)
        #expect(error?.remedy.contains("PostgreSQL") == true)
    }

    @Test func descriptionsMaskPasswords() throws {
        let uri = "postgres://us%2Fer:hunter2@[::1]/name?sslmode=require&sslpassword=hunter2"
        let location = try DatabaseLocation(uri: uri, folder: "/")

        #expect(location.description == "postgres://us%2Fer:***@[::1]:5432/name?sslmode=require&sslpassword=***")
        var dumped = ""
        dump(location, to: &dumped)
        for text in ["\(location)", String(reflecting: location), dumped] { #expect(!text.contains("hunter2")) }
        #expect(
            try DatabaseLocation(uri: "postgres:///name?host=/run/pg", folder: "/").description
                == "postgres://:5432/name?host=/run/pg"
        )
    }
}
