// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Where the data is, read from `[DATABASE] URI`.
///
/// Its description never shows a password.
package enum DatabaseLocation: Sendable, Equatable {
    /// An SQLite database that lives as long as the process.
    case sqliteMemory
    /// An SQLite file, by its absolute path.
    case sqlite(path: String)
    /// A PostgreSQL database.
    case postgres(PostgresLocation)

    /// Reads a location.
    ///
    /// - Throws: `DatabaseLocationError`, whose text contains nothing of the URI but its scheme.
    package init(uri: String, folder: String) throws(DatabaseLocationError) {
        guard let colon = uri.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            throw .unknownEngine(nil)
        }
        let scheme = uri[..<colon].lowercased()
        let rest = uri[uri.utf8.index(after: colon)...]
        switch scheme {
        case "sqlite", "sqlite3": self = try Self.sqlite(rest, folder: folder)
        case "postgres", "postgresql": self = .postgres(try PostgresLocation(afterScheme: rest))
        default: throw .unknownEngine(scheme)
        }
    }

    private static func sqlite(_ text: Substring, folder: String) throws(DatabaseLocationError) -> DatabaseLocation {
        var path = text.prefix { $0 != "?" }
        if path.hasPrefix("//") {
            path = path.dropFirst(2)
            guard path.isEmpty || path.hasPrefix("/") else {
                throw DatabaseLocationError(
                    problem: "names a host for an SQLite file",
                    remedy: "Write sqlite:FILE or sqlite:/full/path/FILE."
                )
            }
        }
        let decoded = try PercentEncoding.decoded(path)
        guard !decoded.isEmpty, !decoded.hasSuffix("/") else {
            throw DatabaseLocationError(
                problem: "names no SQLite file",
                remedy: "Write sqlite:FILE, sqlite:/full/path/FILE or sqlite:/:memory:."
            )
        }
        if decoded == "/:memory:" || decoded == ":memory:" { return .sqliteMemory }
        return .sqlite(path: SettingKind.absolute(decoded, folder: folder))
    }
}

extension DatabaseLocation: CustomStringConvertible, CustomDebugStringConvertible {
    /// The location as a URI with a masked password.
    package var description: String {
        switch self {
        case .sqliteMemory: "sqlite:/:memory:"
        case .sqlite(let path): "sqlite:\(path)"
        case .postgres(let location): location.description
        }
    }

    /// The same as `description`.
    package var debugDescription: String { description }
}

/// Why a text is no database location.
package struct DatabaseLocationError: Error, Equatable, Sendable {
    /// What is wrong, to follow "the URI".
    package var problem: String
    /// What to do.
    package var remedy: String

    static func unknownEngine(_ scheme: String?) -> DatabaseLocationError {
        let isWord =
            scheme.map { !$0.isEmpty && $0.utf8.count <= 20 && $0.utf8.allSatisfy { 0x61...0x7A ~= $0 } } ?? false
        let name = isWord ? scheme.map { " '\($0)'" } ?? "" : ""
        return DatabaseLocationError(
            problem: "names the database engine\(name), which is not supported",
            remedy: "The engines are SQLite (sqlite:FILE) and PostgreSQL (postgres://USER:PASSWORD@HOST:PORT/NAME)."
        )
    }
}

enum PercentEncoding {
    /// Decodes `%XX`.
    static func decoded(_ text: Substring) throws(DatabaseLocationError) -> String {
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = iterator.next().flatMap(hexValue), let low = iterator.next().flatMap(hexValue) else {
                throw invalid
            }
            bytes.append(high << 4 | low)
        }
        guard !bytes.contains(where: { $0 < 0x20 }), let result = String(validating: bytes, as: UTF8.self) else {
            throw invalid
        }
        return result
    }

    /// Encodes what is not a letter, a digit or one of `-._~/:`.
    static func encoded(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            switch byte {
            case 0x30...0x3A, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "/"):
                result.unicodeScalars.append(UnicodeScalar(byte))
            default:
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        UnicodeScalar(byte).properties.isASCIIHexDigit ? UInt8(String(UnicodeScalar(byte)), radix: 16) : nil
    }

    private static let invalid = DatabaseLocationError(
        problem: "contains a '%' that is not followed by two hexadecimal digits of a printable character",
        remedy: "Write a percent sign itself as %25."
    )
}
