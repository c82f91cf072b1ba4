// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Operations

/// Invitations, servers, administrators and the audit.
extension AdminPanel {
    // MARK: Invitations

    /// Answers `/admin/invites`.
    static func invites(_ visit: PanelVisit) async throws(OperationError) -> Response {
        try await visit.invitesPage()
    }

    /// Shows the new code, which is kept nowhere.
    static func createInvite(_ visit: PanelVisit) async throws(OperationError) -> Response {
        do throws(OperationError) {
            guard let uses = visit.form.number("uses") else {
                throw OperationError(.invalid, "The number of accounts is not a number.")
            }
            var days: Int64?
            if !visit.form.text("days").isEmpty {
                guard let number = visit.form.number("days") else {
                    throw OperationError(.invalid, "The number of days is not a number.")
                }
                days = max(-1, min(number, CreateInvite.maximumSeconds))
            }
            let report = try await visit.run(
                CreateInvite(uses: uses, seconds: (days ?? 0) * 86_400, note: visit.form.text("note")))
            return try await visit.invitesPage(code: report.code.clearText)
        } catch {
            return try await visit.invitesPage(error: error)
        }
    }

    static func revokeInvite(_ visit: PanelVisit) async throws(OperationError) -> Response {
        do throws(OperationError) {
            _ = try await visit.run(RevokeInvite(id: visit.form.text("id")))
            return visit.done(.revoked, at: "/admin/invites")
        } catch {
            return try await visit.invitesPage(error: error)
        }
    }

    // MARK: Servers

    /// Answers `/admin/nodes`.
    static func nodes(_ visit: PanelVisit) async throws(OperationError) -> Response {
        try await visit.nodesPage()
    }

    static func drainNode(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let form = visit.form
        do throws(OperationError) {
            var seconds: Int64?
            if let minutes = form["minutes"], !minutes.isEmpty {
                guard minutes.utf8.count <= 4, let count = form.number("minutes") else {
                    throw OperationError(.invalid, "The minutes are a number from 0 to 1440.")
                }
                seconds = count * 60
            }
            let message = form.text("message")
            let node = try await visit.run(
                DrainNode(node: form.text("node"), message: message.isEmpty ? nil : message, seconds: seconds))
            return visit.done(node.status == .serving ? .announced : .draining, at: "/admin/nodes")
        } catch {
            return try await visit.nodesPage(error: error)
        }
    }

    static func resumeNode(_ visit: PanelVisit) async throws(OperationError) -> Response {
        do throws(OperationError) {
            _ = try await visit.run(ResumeNode(node: visit.form.text("node")))
            return visit.done(.resumed, at: "/admin/nodes")
        } catch {
            return try await visit.nodesPage(error: error)
        }
    }

    // MARK: Administrators

    /// Answers `/admin/administrators`.
    static func administrators(_ visit: PanelVisit) async throws(OperationError) -> Response {
        try await visit.administratorsPage()
    }

    static func createAdministrator(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let form = visit.form
        do throws(OperationError) {
            _ = try await visit.run(
                CreateSuperuser(
                    username: form.text("username"), login: form.text("login"),
                    password: SecretText(form.text("password"))))
            return visit.done(.created, at: "/admin/administrators")
        } catch {
            return try await visit.administratorsPage(error: error)
        }
    }

    /// Answers `/admin/administrators/delete`: what will happen.
    static func askToDeleteAdministrator(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let name = visit.query.text("username")
        let isSelf = name.utf8.elementsEqual(visit.administrator.name.utf8)
        return visit.confirm(
            title: "Delete the administrator \(name)?",
            consequences: [
                "The administrator cannot use this panel any more; open sessions of it end at once.",
                "The account with its messages stays.",
            ] + (isSelf ? ["This is you: you will be logged out."] : []),
            action: "/admin/administrators/delete", fields: [("username", name)], button: "Delete \(name)",
            cancel: "/admin/administrators")
    }

    static func deleteAdministrator(_ visit: PanelVisit) async throws(OperationError) -> Response {
        _ = try await visit.run(DeleteSuperuser(username: visit.form.text("username")))
        return visit.done(.deleted, at: "/admin/administrators")
    }

    // MARK: Audit

    /// Answers `/admin/audit`.
    static func audit(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let who = visit.query.text("who")
        let what = visit.query.text("what")
        var values: [String: Any] = [
            "who": who, "what": what, "records": [[String: Any]](),
            "filter": "who=\(AddressText.encoded(who))&what=\(AddressText.encoded(what))",
        ]
        do throws(OperationError) {
            let page = try await visit.run(
                ListAudit(
                    range: ListRange(after: visit.query.number("after") ?? 0, limit: pageSize),
                    who: who.isEmpty ? nil : who, what: what.isEmpty ? nil : what, rows: searchedRows))
            values["records"] = page.items.map(\.values)
            if let next = page.next { values["next"] = "\(next)" }
            values["later"] = visit.query["after"] != nil
            return visit.page("admin-audit", title: "Audit", values)
        } catch {
            return visit.page("admin-audit", title: "Audit", values, error: error)
        }
    }
}

extension PanelVisit {
    fileprivate func invitesPage(
        code: String? = nil, error: OperationError? = nil
    ) async throws(OperationError) -> Response {
        let showsAll = query.isOn("all")
        let report = try await run(ListInvites(includesInvalid: showsAll))
        var values: [String: Any] = [
            "invites": report.invites.map(\.values), "cut": report.isCut, "all": showsAll,
            "uses": form["uses"] ?? "1", "days": form["days"] ?? "7", "note": error == nil ? "" : form.text("note"),
        ]
        if let code { values["code"] = code }
        return page("admin-invites", title: "Invitations", values, error: error)
    }

    fileprivate func nodesPage(error: OperationError? = nil) async throws(OperationError) -> Response {
        let nodes = try await run(ListNodes()).nodes
        return page("admin-nodes", title: "Servers", ["nodes": nodes.map(\.values)], error: error)
    }

    fileprivate func administratorsPage(error: OperationError? = nil) async throws(OperationError) -> Response {
        let administrators = try await run(ListSuperusers()).superusers.map { report in
            [
                "username": report.username, "key": AddressText.encoded(report.username), "login": report.login ?? "",
                "path": report.login.map { UserReport.path(of: $0) } ?? "", "created": report.created.asTime,
                "own": report.username.utf8.elementsEqual(administrator.name.utf8), "account": report.login != nil,
            ] as [String: Any]
        }
        return page(
            "admin-administrators", title: "Administrators",
            ["administrators": administrators, "username": form.text("username"), "login": form.text("login")],
            error: error)
    }
}

extension InviteReport {
    fileprivate var values: [String: Any] {
        [
            "id": id, "status": status.rawValue, "valid": status == .valid, "left": "\(usesLeft)", "used": "\(used)",
            "created": created.asTime, "expires": expires?.asTime ?? "never", "note": note,
        ]
    }
}

extension AuditReport {
    fileprivate var values: [String: Any] {
        [
            "number": "\(number)", "time": time.asTime, "who": who, "face": face, "address": address ?? "",
            "what": what,
            "target": target ?? "", "parameters": parameters, "result": refusal ?? result.rawValue,
            "refused": result == .refused,
        ]
    }
}
