// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A PostgreSQL database, read from `postgres://USER:PASSWORD@HOST:PORT/NAME?PARAMETER=VALUE`.
package struct PostgresLocation: Sendable, Equatable {
    /// A connection parameter of libpq.
    package struct Parameter: Sendable, Equatable {
        /// The keyword of libpq.
        package var name: String
        /// The value after decoding.
        package var value: String
    }

    /// A host name, an address, or the folder of a Unix socket (begins with `/`).
    package var host: String
    /// The port, 1 to 65535.
    package var port: Int
    /// The database's name.
    package var name: String
    /// The role; `nil` leaves the choice to libpq.
    package var user: String?
    /// The password.
    ///
    /// Never to be shown.
    package var password: String?
    /// The remaining parameters, such as `sslmode`, in the order of the URI.
    package var parameters: [Parameter]

    /// Whether the location contains a password of any kind.
    package var holdsSecret: Bool {
        password != nil || parameters.contains { $0.name == "sslpassword" }
    }

    /// Keywords of libpq that may stand after the `?`.
    private static let keywords: Set<String> = [
        "application_name", "channel_binding", "client_encoding", "connect_timeout", "gssencmode", "gssdelegation",
        "hostaddr", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname",
        "load_balance_hosts", "options", "passfile", "require_auth", "requirepeer", "service", "sslcert",
        "sslcertmode", "sslcompression", "sslcrl", "sslcrldir", "sslkey", "sslmode", "sslpassword", "sslrootcert",
        "sslsni", "ssl_max_protocol_version", "ssl_min_protocol_version", "sslnegotiation", "target_session_attrs",
        "tcp_user_timeout",
    ]
    // COMPAT: parameters of the reference server's database layer, which libpq does not know.
    private static let ignored: Set<String> = [
        "autocommit", "cache", "charset", "debug", "debugoutput", "debugthreading", "driver", "logger", "loglevel",
        "schema", "unicodecols",
    ]

    init(afterScheme text: Substring) throws(DatabaseLocationError) {
        guard text.hasPrefix("//") else {
            throw Self.error("has no '//' after the scheme")
        }
        let body = text.dropFirst(2)
        let beforeQuery = body.prefix { $0 != "?" }
        let query = body.dropFirst(beforeQuery.count + 1)
        let slash = beforeQuery.utf8.firstIndex(of: UInt8(ascii: "/")) ?? beforeQuery.endIndex
        var authority = beforeQuery[..<slash]
        name = try PercentEncoding.decoded(beforeQuery[slash...].dropFirst())
        user = nil
        password = nil
        parameters = []
        if let at = authority.utf8.lastIndex(of: UInt8(ascii: "@")) {
            let credentials = authority[..<at]
            let colon = credentials.utf8.firstIndex(of: UInt8(ascii: ":")) ?? credentials.endIndex
            user = try PercentEncoding.decoded(credentials[..<colon])
            if colon < credentials.endIndex {
                password = try PercentEncoding.decoded(credentials[colon...].dropFirst())
            }
            authority = authority[authority.utf8.index(after: at)...]
        }
        (host, port) = try Self.hostAndPort(authority)
        for pair in query.split(separator: "&") { try take(pair) }
        if user == "" { user = nil }
        guard !name.isEmpty else { throw Self.error("names no database") }
    }

    private static func hostAndPort(_ authority: Substring) throws(DatabaseLocationError) -> (String, Int) {
        var host = authority
        var port = Substring()
        if authority.hasPrefix("[") {
            guard let end = authority.utf8.firstIndex(of: UInt8(ascii: "]")) else {
                throw error("has no ']' after the address")
            }
            host = authority[authority.utf8.index(after: authority.startIndex)..<end]
            let rest = authority[authority.utf8.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw error("has something between the host and the port")
            }
            port = rest.dropFirst()
        } else if let colon = authority.utf8.lastIndex(of: UInt8(ascii: ":")) {
            host = authority[..<colon]
            port = authority[authority.utf8.index(after: colon)...]
        }
        let decoded = try PercentEncoding.decoded(host)
        return (decoded.isEmpty ? "localhost" : decoded, port.isEmpty ? 5432 : try number(port))
    }

    private static func number(_ port: some StringProtocol) throws(DatabaseLocationError) -> Int {
        guard let number = Int(port), 1...65535 ~= number else { throw error("has a port that is not 1 to 65535") }
        return number
    }

    private mutating func take(_ pair: Substring) throws(DatabaseLocationError) {
        let key = pair.prefix { $0 != "=" }
        let keyword = try PercentEncoding.decoded(key).lowercased()
        let value = try PercentEncoding.decoded(pair.dropFirst(key.count + 1))
        switch keyword {
        case "host": host = value
        case "port": port = try Self.number(value)
        case "user": user = value
        case "password": password = value
        case "dbname": name = value
        case _ where Self.ignored.contains(keyword): return
        case _ where Self.keywords.contains(keyword):
            parameters.removeAll { $0.name == keyword }
            parameters.append(Parameter(name: keyword, value: value))
        default: throw Self.error("has a parameter after the '?' that PostgreSQL does not know")
        }
    }

    private static func error(_ problem: String) -> DatabaseLocationError {
        DatabaseLocationError(
            problem: problem,
            remedy:
                "Write postgres://USER:PASSWORD@HOST:PORT/NAME; special characters as %XX, '@' in a password as %40."
        )
    }
}

extension PostgresLocation: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The location as a URI with masked passwords.
    package var description: String {
        var result = "postgres://"
        if let user { result += PercentEncoding.encoded(user).replacingSlashes() }
        if password != nil { result += ":***" }
        if user != nil || password != nil { result += "@" }
        var query = parameters
        if host.hasPrefix("/") {
            query.insert(Parameter(name: "host", value: host), at: 0)
        } else {
            result += host.contains(":") ? "[\(host)]" : host
        }
        result += ":\(port)/\(PercentEncoding.encoded(name))"
        for (index, parameter) in query.enumerated() {
            let value = parameter.name == "sslpassword" ? "***" : PercentEncoding.encoded(parameter.value)
            result += "\(index == 0 ? "?" : "&")\(parameter.name)=\(value)"
        }
        return result
    }

    /// The same as `description`.
    package var debugDescription: String { description }

    /// Shows no fields, because one of them is the password.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension String {
    fileprivate func replacingSlashes() -> String {
        split(separator: "/", omittingEmptySubsequences: false).joined(separator: "%2F")
    }
}
