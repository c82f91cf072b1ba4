// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CPostgres
package import Storage

/// Where the PostgreSQL server is and how many connections we make.
///
/// No text made from it shows the password.
package struct PostgresConfiguration: Sendable {
    /// A host name, an address, or the folder of a Unix socket.
    package var host: String
    package var port: Int
    package var database: String
    /// `nil`: libpq's choice (`PGUSER`, then the system's user).
    package var user: String?
    /// `nil`: libpq's choice (`PGPASSWORD`, then the password file).
    package var password: String?
    /// libpq's own parameters, such as `sslmode` and `sslrootcert`; they win over the fields above.
    package var parameters: [String: String]
    /// How the server's `pg_stat_activity` names us.
    package var applicationName = "parley"
    /// The most connections for reading; the writer has one more.
    package var readerConnections = 8
    /// How long one attempt to connect may take.
    package var connectTimeout: Duration = .seconds(5)
    /// How long a call waits for a connection before it is refused.
    package var waitTimeout: Duration = .seconds(10)
    /// How many calls may wait for a connection, for readers and the writer each; more are refused at once.
    package var maximumWaiters = 1024
    /// A reader's connection that did nothing for so long is closed.
    package var idleTimeout: Duration = .seconds(60)
    /// The server ends a reader's statement after so long.
    package var readStatementTimeout: Duration = .seconds(30)
    /// The server ends a statement that waits so long for a lock.
    package var lockTimeout: Duration = .seconds(10)
    /// How much longer than the server's own limits an answer may take before the connection is given up: the server
    /// hangs.
    package var answerTimeout: Duration = .seconds(10)
    /// The server ends a transaction whose client says nothing for so long, which frees its locks.
    package var idleTransactionTimeout: Duration = .seconds(60)
    /// The most prepared statements kept on one connection; the least recently used goes first.
    package var maximumPreparedStatements = 256

    package init(
        host: String, port: Int = 5432, database: String, user: String? = nil, password: String? = nil,
        parameters: [String: String] = [:]
    ) {
        self.host = host
        self.port = port
        self.database = database
        self.user = user
        self.password = password
        self.parameters = parameters
    }

    /// Reads `postgres://user:password@host:port/name?sslmode=…` as libpq does.
    ///
    /// - Throws: `StorageError` with `.unusable`; its text does not repeat the address, which may hold a password.
    package init(uri: String) throws(StorageError) {
        guard !uri.utf8.contains(0), let options = PQconninfoParse(uri, nil) else {
            throw StorageError(
                .unusable, "The database address is not of the form 'postgres://user:password@host:port/name'.")
        }
        defer { PQconninfoFree(options) }
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }

        let portText = values.removeValue(forKey: "port") ?? "5432"
        guard let port = Int(portText), (1...65535).contains(port) else {
            throw StorageError(.unusable, "The port in the database address must be one number from 1 to 65535.")
        }
        let user = values.removeValue(forKey: "user")
        guard let database = values.removeValue(forKey: "dbname") ?? user else {
            throw StorageError(
                .unusable, "The database address names no database. Write 'postgres://user:password@host:port/name'.")
        }
        let seconds = values.removeValue(forKey: "connect_timeout").flatMap { Int($0) }
        self.init(
            host: values.removeValue(forKey: "host") ?? "localhost", port: port, database: database, user: user,
            password: values.removeValue(forKey: "password"), parameters: values)
        if let seconds, seconds > 0 { connectTimeout = .seconds(min(seconds, 3600)) }
    }

    /// `postgres://host:port/name`: for people, without user, password and parameters.
    package var location: String { "postgres://\(host):\(port)/\(database)" }

    /// What libpq is given, with our own requirements last.
    var connectionParameters: [(keyword: String, value: String)] {
        var values = ["host": host, "port": "\(port)", "dbname": database, "application_name": applicationName]
        values["user"] = user
        values["password"] = password
        // A peer that vanished is noticed within about a minute, in both directions.
        values["keepalives_idle"] = "30"
        values["keepalives_interval"] = "10"
        values["keepalives_count"] = "3"
        values["tcp_user_timeout"] = "60000"
        values.merge(parameters) { _, given in given }
        values["client_encoding"] = "UTF8"
        return values.map { ($0.key, $0.value) }
    }

    /// Refuses parameters that libpq does not know, naming them.
    func checkParameters() throws(StorageError) {
        guard let defaults = PQconndefaults() else { return }
        defer { PQconninfoFree(defaults) }
        var known: Set<String> = []
        var option = defaults
        while let keyword = option.pointee.keyword {
            known.insert(String(cString: keyword))
            option += 1
        }
        known.remove("replication")
        for name in parameters.keys.sorted() where !known.contains(name) {
            throw StorageError(
                .unusable,
                "The database address has the unknown parameter '\(name)'. Use libpq's parameters, such as sslmode.")
        }
        for (name, value) in connectionParameters where value.utf8.contains(0) {
            throw StorageError(.unusable, "The database address has a zero byte in '\(name)'. Remove it.")
        }
    }
}

extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { location }
    package var debugDescription: String { "PostgresConfiguration(\(location))" }
    package var customMirror: Mirror { Mirror(self, children: ["location": location]) }
}
