// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Operations

/// Accounts: the list, and one of them.
extension AdminPanel {
    /// How many rows a page of a list has.
    static let pageSize = 50
    /// How many rows a page of a search looks through; the next page goes on from there.
    static let searchedRows: Int64 = 10_000

    /// Answers `/admin/users`.
    static func users(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let search = visit.query.text("search")
        var values: [String: Any] = ["search": search, "key": AddressText.encoded(search), "users": [[String: Any]]()]
        do throws(OperationError) {
            let page = try await visit.run(
                ListUsers(
                    range: ListRange(after: visit.query.number("after") ?? 0, limit: pageSize),
                    search: search.isEmpty ? nil : search, rows: searchedRows))
            var users = page.items
            // The account of that very login comes first, wherever its row is.
            if !search.isEmpty, visit.query["after"] == nil,
                let exact = try? await visit.run(ShowUser(login: search)).user,
                !users.contains(where: { $0.row == exact.row })
            {
                users.insert(exact, at: 0)
            }
            values["users"] = users.map(\.values)
            values["searching"] = !search.isEmpty
            if let next = page.next { values["next"] = "\(next)" }
            values["later"] = visit.query["after"] != nil
            return visit.page("admin-users", title: "Users", values)
        } catch {
            return visit.page("admin-users", title: "Users", values, error: error)
        }
    }

    /// Answers `/admin/users/new`.
    static func newUser(_ visit: PanelVisit) async throws(OperationError) -> Response {
        visit.newUserPage(nil)
    }

    static func createUser(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let form = visit.form
        let login = form.text("login")
        do throws(OperationError) {
            let user = try await visit.run(
                CreateUser(
                    login: login, username: form.text("username").isEmpty ? login : form.text("username"),
                    password: SecretText(form.text("password")), isBot: form.isOn("is_bot"), email: form.text("email")))
            return visit.done(.created, at: user.path)
        } catch {
            return visit.newUserPage(error)
        }
    }

    /// Answers `/admin/users/show`.
    static func user(_ visit: PanelVisit) async throws(OperationError) -> Response {
        try await visit.userPage(visit.query.text("login"))
    }

    static func updateUser(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let form = visit.form
        let newLogin = form.text("new_login")
        return try await visit.changeUser { login throws(OperationError) in
            let user = try await visit.run(
                UpdateUser(
                    login: login, newLogin: newLogin.utf8.elementsEqual(login.utf8) ? nil : newLogin,
                    username: form["username"], email: form["email"], bio: form["bio"], isBot: form.isOn("is_bot")))
            return visit.done(.changed, at: user.path)
        }
    }

    static func setPassword(_ visit: PanelVisit) async throws(OperationError) -> Response {
        try await visit.changeUser { login throws(OperationError) in
            let user = try await visit.run(
                SetPassword(login: login, password: SecretText(visit.form.text("password"))))
            return visit.done(.password, at: user.path)
        }
    }

    static func limitUser(_ visit: PanelVisit) async throws(OperationError) -> Response {
        var changes: [LimitUser.Limit: String] = [:]
        for limit in LimitUser.Limit.allCases {
            guard let text = visit.form["limit-\(limit.rawValue)"] else { continue }
            changes[limit] = text.isEmpty ? LimitUser.standard : text
        }
        return try await visit.changeUser { login throws(OperationError) in
            let report = try await visit.run(LimitUser(login: login, changes: changes))
            return visit.done(.changed, at: UserReport.path(of: report.login))
        }
    }

    static func logOutUser(_ visit: PanelVisit) async throws(OperationError) -> Response {
        try await visit.changeUser { login throws(OperationError) in
            let session = visit.form.number("session")
            // Without the field it means all of them; a number that cannot be read does not.
            guard session != nil || visit.form["session"] == nil else {
                throw OperationError(.invalid, "The session is not a number.")
            }
            let report = try await visit.run(LogOutUser(login: login, session: session))
            return visit.done(.ended, at: UserReport.path(of: report.login))
        }
    }

    /// Answers `/admin/users/delete`: what will happen.
    static func askToDeleteUser(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let report = try await visit.run(ShowUser(login: visit.query.text("login")))
        let login = report.user.login
        return visit.confirm(
            title: "Delete the account \(login)?",
            consequences: [
                "The account is removed for good, with its profile, contacts and keys.",
                "Its \(report.sessions) sessions end at once.",
                "What it wrote stays, under the name of a deleted user.",
                "If it came with an administrator, that administrator is deleted, too.",
            ],
            action: "/admin/users/delete", fields: [("login", login)], button: "Delete \(login)",
            cancel: report.user.path)
    }

    static func deleteUser(_ visit: PanelVisit) async throws(OperationError) -> Response {
        _ = try await visit.run(DeleteUser(login: visit.form.text("login")))
        return visit.done(.deleted, at: "/admin/users")
    }
}

extension PanelVisit {
    fileprivate func newUserPage(_ error: OperationError?) -> Response {
        page(
            "admin-user-new", title: "New user",
            [
                "login": form.text("login"), "username": form.text("username"), "email": form.text("email"),
                "bot": form.isOn("is_bot"),
            ], error: error)
    }

    /// Makes a change of the account that the form names; when that fails, the account's page says why.
    fileprivate func changeUser(
        _ change: (String) async throws(OperationError) -> Response
    ) async throws(OperationError) -> Response {
        let login = form.text("login")
        do throws(OperationError) {
            return try await change(login)
        } catch {
            return try await userPage(login, error: error)
        }
    }

    fileprivate func userPage(_ login: String, error: OperationError? = nil) async throws(OperationError) -> Response {
        let report = try await run(ShowUser(login: login))
        let sessions = try await run(ListSessions(login: login)).sessions
        let limits = try await run(LimitUser(login: login))
        var values = report.user.values
        values["connected"] = report.isConnected
        values["hash"] = report.passwordHash
        values["picture"] = Int64(report.avatarBytes).inBytes
        values["stored"] = limits.storedBytes.inBytes
        values["limits"] = LimitUser.Limit.allCases.map { limit in
            ["name": limit.rawValue, "label": limit.label, "value": limits.limits[limit] ?? ""]
        }
        values["sessions"] = sessions.map(\.values)
        values["several"] = sessions.count > 1
        return page("admin-user", title: report.user.login, values, error: error)
    }
}

extension LimitUser.Limit {
    fileprivate var label: String {
        switch self {
        case .write: "Writes"
        case .read: "Reads"
        case .login: "Logins"
        case .profile: "Changes of the profile"
        case .flows: "Groups and channels of its own"
        case .bytes: "Bytes stored"
        }
    }
}

extension UserReport {
    /// Where the account's page is.
    var path: String { Self.path(of: login) }

    static func path(of login: String) -> String { "/admin/users/show?login=\(AddressText.encoded(login))" }

    /// What pages show of an account.
    var values: [String: Any] {
        [
            "row": "\(row)", "uuid": uuid, "login": login, "username": username, "bot": isBot, "email": email,
            "bio": bio,
            "created": created.asTime, "number": "\(publicNumber)", "path": path, "key": AddressText.encoded(login),
        ]
    }
}

extension ListSessions.Session {
    fileprivate var values: [String: Any] {
        [
            "id": "\(id)", "protocol": self.protocol, "address": address, "created": created.asTime,
            "seen": lastSeen.asTime, "expires": expires.asTime, "state": state.rawValue, "node": node ?? "",
            "connected": state == .connected,
        ]
    }
}
