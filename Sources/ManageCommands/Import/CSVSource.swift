// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Operations
import Settings

/// Accounts from a table.
struct CSVSource: ImportSource {
    private static let pageRows = 200

    let users: [ImportedUser]

    func read(into run: inout ImportRun) async throws {
        var rest = users[...]
        while !rest.isEmpty {
            try await run.take(Array(rest.prefix(Self.pageRows)))
            rest = rest.dropFirst(Self.pageRows)
        }
    }
}

/// A table of accounts in CSV (RFC 4180) whose first line names the columns.
struct CSVUsers {
    /// The largest table.
    private static let maximumBytes = 64 << 20
    private static let columns: Set<String> = ["login", "password", "username", "email", "bot"]

    let users: [ImportedUser]

    /// Reads a file, or standard input for `-`.
    static func read(_ path: String) throws -> String {
        let context = CommandContext.current
        if path == "-" { return try context.terminal.readAll(maximumBytes: maximumBytes) }
        let file = SettingsFile.chosen(option: path, environment: [:], currentFolder: context.currentFolder)
        let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CommandError(
                errno == ENOENT ? .notFound : .failed,
                "The table '\(path)' cannot be read: \(String(cString: strerror(errno))).",
                nextStep: "Check the path, or give the table on standard input with '-'.")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size <= maximumBytes else {
            throw CommandError(
                .usage, "The table '\(path)' is larger than \(maximumBytes >> 20) MiB.",
                nextStep: "Split it, with the line of the columns in each part.")
        }
        return try Terminal(input: descriptor, output: context.terminal.output).readAll(maximumBytes: maximumBytes)
    }

    /// - Throws: `CommandError` that names the line.
    init(_ text: String) throws(CommandError) {
        var rows = try Self.rows(text)
        guard !rows.isEmpty else { throw CommandError(.usage, "The table is empty.") }
        let names = rows.removeFirst().map { $0.lowercased().filter { !$0.isWhitespace } }
        guard names.contains("login"), Set(names).count == names.count, Set(names).isSubset(of: Self.columns) else {
            throw CommandError(
                .usage,
                "The first line of the table must name its columns: login, and any of password, username, email, bot.")
        }
        var users: [ImportedUser] = []
        for (index, row) in rows.enumerated() {
            guard row.count == names.count else {
                throw CommandError(
                    .usage, "Row \(index + 2) of the table has \(row.count.counted("field")) and not \(names.count).")
            }
            let fields = Dictionary(uniqueKeysWithValues: zip(names, row))
            let login = fields["login"] ?? ""
            var user = ImportedUser(
                uuid: ImportIdentity.uuid(of: "csv user", login), login: login,
                username: fields["username"].flatMap { $0.isEmpty ? nil : $0 } ?? login)
            if let password = fields["password"], !password.isEmpty { user.password = SecretText(password) }
            user.email = fields["email"] ?? ""
            user.isBot = ["yes", "true", "1", "on"].contains((fields["bot"] ?? "").lowercased())
            users.append(user)
        }
        self.users = users
    }

    /// The fields of all rows; empty lines are left out.
    private static func rows(_ text: String) throws(CommandError) -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var wasQuoted = false
        var bytes = Array(text.utf8)[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        func endField() {
            row.append(String(decoding: field, as: UTF8.self))
            field = []
            wasQuoted = false
        }
        func endRow() {
            if row.isEmpty, field.isEmpty, !wasQuoted { return }
            endField()
            rows.append(row)
            row = []
        }
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\"") where isQuoted:
                if index < bytes.endIndex, bytes[index] == byte {
                    field.append(byte)
                    index += 1
                } else {
                    isQuoted = false
                }
            case _ where isQuoted: field.append(byte)
            case UInt8(ascii: "\"") where field.isEmpty && !wasQuoted:
                isQuoted = true
                wasQuoted = true
            case UInt8(ascii: ","): endField()
            case UInt8(ascii: "\n"): endRow()
            case UInt8(ascii: "\r") where index == bytes.endIndex || bytes[index] == UInt8(ascii: "\n"): break
            default: field.append(byte)
            }
        }
        guard !isQuoted else {
            throw CommandError(.usage, "The last row of the table has a quotation mark without its end.")
        }
        endRow()
        return rows
    }
}
