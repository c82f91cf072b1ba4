// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CPostgres
import Storage

/// An error report of the server: an `ErrorResponse` or what libpq made of a lost connection.
struct ServerReport {
    /// Five characters; empty when libpq itself noticed the failure.
    var sqlState: String
    /// The connection ends with this report.
    var isFatal: Bool
    var constraint: String?
    /// The primary message, without the detail line, which quotes rows.
    var text: String

    init(sqlState: String, isFatal: Bool = false, constraint: String? = nil, text: String) {
        self.sqlState = sqlState
        self.isFatal = isFatal
        self.constraint = constraint
        self.text = text
    }

    init(result: OpaquePointer) {
        func field(_ code: Character) -> String? {
            PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
        }
        // Field codes of the protocol: C SQLSTATE, V severity not translated, n constraint, M primary message.
        sqlState = field("C") ?? ""
        isFatal = field("V") == "FATAL" || field("V") == "PANIC"
        constraint = field("n")
        text = field("M") ?? String(cString: PQresultErrorMessage(result))
    }

    /// What goes to the log.
    var cause: String {
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("LOCATION:") }
        let line = lines.joined(separator: " ").split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return sqlState.isEmpty ? line : "\(sqlState): \(line)"
    }
}

extension StorageError {
    /// What a statement's failure means, in a transaction that was `writing` or not.
    init(_ report: ServerReport, writing: Bool, fileID: String = #fileID, line: Int = #line) {
        let (code, message) = Self.meaning(of: report, writing: writing)
        self.init(code, message, cause: report.cause, fileID: fileID, line: line)
    }

    /// The connection to the server is gone.
    static func connectionLost(_ cause: String, fileID: String = #fileID, line: Int = #line) -> StorageError {
        StorageError(
            .unavailable, "The connection to the database was lost. Try again.", cause: cause, fileID: fileID,
            line: line)
    }

    /// The failure of an attempt to connect.
    init(connecting report: ServerReport, to configuration: PostgresConfiguration) {
        let code: Code
        let message: String
        switch report.sqlState {
        case "28P01", "28000":
            code = .unusable
            message = """
                PostgreSQL at \(configuration.location) refused the user name or password. \
                Correct them in [DATABASE] URI, or allow the user in pg_hba.conf.
                """
        case "3D000":
            code = .unusable
            message = """
                PostgreSQL at \(configuration.location) has no database of that name. \
                Create it with 'createdb --encoding=UTF8 --template=template0'.
                """
        case "42501":
            code = .unusable
            message = "The user may not connect to \(configuration.location). Grant it CONNECT on the database."
        case "53300":
            code = .unavailable
            message = """
                PostgreSQL at \(configuration.location) has no connection left. \
                Raise its max_connections or lower [DATABASE] POOL.
                """
        case "57P03":
            code = .unavailable
            message = "PostgreSQL at \(configuration.location) is starting or stopping. Try again in a moment."
        // Only libpq's text, which is not translated, tells these apart.
        case "" where report.text.contains("certificate") || report.text.contains("SSL"):
            code = .unusable
            message = """
                TLS with PostgreSQL at \(configuration.location) failed. \
                Check sslmode, sslrootcert and the server's certificate.
                """
        case "" where report.text.contains("no password supplied"):
            code = .unusable
            message = """
                PostgreSQL at \(configuration.location) asks for a password. Put it into the file ~/.pgpass, or give \
                the whole URI with 'manage config set DATABASE.URI --value-stdin'.
                """
        case "" where report.text.contains("could not translate host name"):
            code = .unavailable
            message =
                "The host in \(configuration.location) is not known. Correct [DATABASE] URI, or check the name service."
        default:
            code = .unavailable
            message = """
                PostgreSQL at \(configuration.location) cannot be reached. \
                Check that it runs and that [DATABASE] URI is right.
                """
        }
        self.init(code, message, cause: report.cause)
    }

    private static func meaning(of report: ServerReport, writing: Bool) -> (Code, String) {
        let failed: Code = writing ? .writeFailed : .readFailed
        switch report.sqlState {
        case "23505":
            return (.conflict(constraint: report.constraint ?? ""), "A row with the same key exists already.")
        case "25006":
            return (.unusable, "The database is read-only. Connect to the primary server.")
        case "40001", "40P01":
            return (.unavailable, "The database undid the transaction because of another one. Try again.")
        case "55P03":
            return (.unavailable, "The database is locked by another transaction. Try again.")
        case "57014":
            return (failed, "The database took too long over one statement and gave it up. Try again, or ask for less.")
        case "42P01", "42703":
            return (.needsMigration, "The database lacks tables or columns. Run 'manage db migrate'.")
        case "42501":
            return (.unusable, "The database user lacks a right on the tables. Grant it, or make the user their owner.")
        case "53100":
            return (.full, "The database server's disk is full. Free space on it.")
        case "53200", "53300", "53400":
            return (.unavailable, "The database server is out of memory or connections. Try again.")
        case "22021", "22P05":
            return (failed, "A text holds a character that the database cannot store. Remove it.")
        case "54000", "54023":
            return (failed, "A value is larger than the database can hold. Make it smaller.")
        case "XX001", "XX002":
            return (.unusable, "The database is damaged. Restore it from a backup.")
        case let state where state.hasPrefix("08") || state.hasPrefix("57P"):
            return (.unavailable, "The connection to the database was lost. Try again.")
        case _ where report.isFatal || report.sqlState.isEmpty:
            return (.unavailable, "The connection to the database was lost. Try again.")
        case _ where writing:
            return (.writeFailed, "The database refused a write. See the log for details.")
        default:
            return (.readFailed, "The database refused a read. See the log for details.")
        }
    }
}
