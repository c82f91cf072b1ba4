// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations
import ParleyServer
import Storage

/// The database of a MessengerServer, which keeps accounts with their passwords in clear, and contacts.
struct MessengerSource: ImportSource {
    let database: ForeignDatabase

    private static let pageRows: Int64 = 200

    func read(into run: inout ImportRun) async throws {
        var last = ""
        while true {
            let rows = try await database.rows(
                "SELECT login, email, password FROM users WHERE login > $1 ORDER BY login LIMIT $2",
                [.text(last), .int(Self.pageRows)])
            guard let end = rows.last?[0].string else { break }
            last = end
            try await run.take(
                rows.map { row in
                    let login = row[0].string ?? ""
                    var user = ImportedUser(uuid: Self.uuid(login), login: login, username: login)
                    user.email = row[1].string ?? ""
                    if let password = row[2].string, !password.isEmpty { user.password = SecretText(password) }
                    return user
                })
        }
        try await readContacts(into: &run)
    }

    private func readContacts(into run: inout ImportRun) async throws {
        var last = ("", "")
        while true {
            let rows = try await database.rows(
                """
                SELECT "user", contact FROM contacts WHERE "user" > $1 OR ("user" = $1 AND contact > $2)
                ORDER BY "user", contact LIMIT $3
                """, [.text(last.0), .text(last.1), .int(Self.pageRows)])
            guard let end = rows.last else { return }
            last = (end[0].string ?? "", end[1].string ?? "")
            try await run.take(
                rows.map {
                    ImportContacts.Pair(user: Self.uuid($0[0].string ?? ""), contact: Self.uuid($0[1].string ?? ""))
                })
        }
    }

    private static func uuid(_ login: String) -> String { ImportIdentity.uuid(of: "messenger user", login) }
}
