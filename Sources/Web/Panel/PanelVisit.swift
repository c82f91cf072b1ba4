// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTPTypes
import Hummingbird
import Operations

/// One request of an administrator who is logged in.
struct PanelVisit: Sendable {
    let desk: PanelDesk
    let request: PanelRequest
    let context: BasicRequestContext
    let administrator: AdminPrincipal
    /// The token of the login.
    let cookie: SecretText

    /// What forms of this login have.
    var token: FormToken { FormToken(cookie: cookie.clearText) }
    var query: FormFields { request.query }
    var form: FormFields { request.form }
    var panel: AdminPanel { desk.panel }

    private var actor: OperationActor {
        OperationActor(name: administrator.name, face: .web, address: request.address, scope: administrator.scope)
    }

    /// Runs an operation as the administrator.
    func run<Operation: AdminOperation>(_ operation: Operation) async throws(OperationError) -> Operation.Report {
        try await operation.perform(on: panel.operations.acting(as: actor))
    }

    /// Starts a long operation as the administrator, which goes on by itself.
    func start(_ operation: some AdminOperation) throws(OperationError) {
        let (operations, actor) = (panel.operations, actor)
        _ = try panel.jobs.start(Swift.type(of: operation).name, by: actor.name) {
            (progress) async throws(OperationError) in
            let report = try await operation.perform(on: operations.acting(as: actor, progress: progress))
            // Texts, numbers and truth values only, which JSON always takes.
            return (try? Array(JSONEncoder.forOperations().encode(report))) ?? Array("{}".utf8)
        }
    }

    /// Whether the login is still valid; no, when that cannot be known.
    func isStillLoggedIn() async -> Bool {
        (try? await panel.sessions.administrator(cookie)) == administrator
    }

    /// A page with the navigation; `error` is shown above it.
    func page(
        _ template: String, title: String, _ values: [String: Any], error: OperationError? = nil
    ) -> Response {
        var values = values
        values["administrator"] = administrator.name
        values["token"] = token.text
        values["navigation"] = PanelSection.navigation(for: request.path)
        if let error {
            values["error"] = error.description
        } else if let notice = query["done"].flatMap(PanelNotice.text) {
            values["notice"] = notice
        }
        return desk.page(template, error?.status ?? .ok, title: title, values)
    }

    /// The page for an operation that failed and has no page of its own.
    func failure(_ error: OperationError) -> Response {
        page("admin-message", title: "Not done", [:], error: error)
    }

    /// Asks before something is destroyed: what will happen, and a form that does it.
    func confirm(
        title: String, consequences: [String], action: String, fields: [(name: String, value: String)],
        button: String, cancel: String
    ) -> Response {
        page(
            "admin-confirm", title: title,
            [
                "consequences": consequences, "action": action,
                "fields": fields.map { ["name": $0.name, "value": $0.value] }, "button": button, "cancel": cancel,
            ])
    }

    /// Sends the browser to a page that says what was done.
    func done(_ notice: PanelNotice, at path: String) -> Response {
        .seeOther(path + (path.utf8.contains(UInt8(ascii: "?")) ? "&" : "?") + "done=\(notice.rawValue)")
    }
}

/// What a page says after a change.
///
/// The address holds only the word, so that a link cannot have the panel say what its author likes.
enum PanelNotice: String, CaseIterable {
    case created, changed, deleted, ended, password, added, removed, revoked, draining, announced, resumed
    case started, cancelled, applied, restart, unchanged

    static func text(_ word: String) -> String? {
        allCases.first { $0.rawValue.utf8.elementsEqual(word.utf8) }?.text
    }

    var text: String {
        switch self {
        case .created: "Created."
        case .changed: "Saved."
        case .deleted: "Deleted."
        case .ended: "Logged out."
        case .password: "The password was changed, and all sessions have ended."
        case .added: "The member was added."
        case .removed: "The member was removed."
        case .revoked: "The invitation was revoked."
        case .draining: "The server gets no new clients."
        case .announced: "The drain is announced."
        case .resumed: "The server gets new clients again."
        case .started: "Started."
        case .cancelled: "It is being cancelled."
        case .applied: "Saved, and in force."
        case .restart: "Saved. It is in force when the server starts again."
        case .unchanged: "It was so already."
        }
    }
}

/// An entry of the navigation.
struct PanelSection {
    let title: String
    let path: String

    /// The entries, the current one marked: the longest path that begins the request's.
    static func navigation(for path: String) -> [[String: Any]] {
        let current = all.filter { path.utf8.starts(with: $0.path.utf8) }.max {
            $0.path.utf8.count < $1.path.utf8.count
        }
        return all.map { ["title": $0.title, "path": $0.path, "current": $0.path == current?.path] }
    }

    private static let all = [
        PanelSection(title: "Overview", path: "/admin"),
        PanelSection(title: "Users", path: "/admin/users"),
        PanelSection(title: "Flows", path: "/admin/flows"),
        PanelSection(title: "Messages", path: "/admin/messages"),
        PanelSection(title: "Invitations", path: "/admin/invites"),
        PanelSection(title: "Servers", path: "/admin/nodes"),
        PanelSection(title: "Administrators", path: "/admin/administrators"),
        PanelSection(title: "Audit", path: "/admin/audit"),
        PanelSection(title: "Log", path: "/admin/log"),
        PanelSection(title: "Backups", path: "/admin/backups"),
        PanelSection(title: "Settings", path: "/admin/settings"),
    ]
}
