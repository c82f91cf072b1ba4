// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Operations

/// Flows: the list, and one of them with its members and messages.
extension AdminPanel {
    /// Answers `/admin/flows`.
    static func flows(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let title = visit.query.text("title")
        var values: [String: Any] = ["search": title, "key": AddressText.encoded(title), "flows": [[String: Any]]()]
        do throws(OperationError) {
            let page = try await visit.run(
                ListFlows(
                    range: ListRange(after: visit.query.number("after") ?? 0, limit: pageSize),
                    title: title.isEmpty ? nil : title, rows: title.isEmpty ? nil : searchedRows))
            values["flows"] = page.items.map(\.values)
            values["searching"] = !title.isEmpty
            if let next = page.next { values["next"] = "\(next)" }
            values["later"] = visit.query["after"] != nil
            return visit.page("admin-flows", title: "Flows", values)
        } catch {
            return visit.page("admin-flows", title: "Flows", values, error: error)
        }
    }

    /// Answers `/admin/flows/new`.
    static func newFlow(_ visit: PanelVisit) async throws(OperationError) -> Response {
        visit.newFlowPage(nil)
    }

    static func createFlow(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let form = visit.form
        let members = form.text("members").utf8.split { ", \r\n\t".utf8.contains($0) }.map {
            String(decoding: $0, as: UTF8.self)
        }
        do throws(OperationError) {
            let flow = try await visit.run(
                CreateFlow(
                    owner: form.text("owner"), type: form.kind ?? .group, title: form.text("title"),
                    info: form.text("info"), members: members))
            return visit.done(.created, at: flow.path)
        } catch {
            return visit.newFlowPage(error)
        }
    }

    /// Answers `/admin/flows/show`.
    static func flow(_ visit: PanelVisit) async throws(OperationError) -> Response {
        try await visit.flowPage(visit.query.text("flow"))
    }

    static func updateFlow(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let form = visit.form
        return try await visit.changeFlow { name throws(OperationError) in
            let flow = try await visit.run(
                UpdateFlow(
                    uuid: name, title: form["title"], info: form["info"], type: form.kind, owner: form["owner"]))
            return visit.done(.changed, at: flow.path)
        }
    }

    static func addMember(_ visit: PanelVisit) async throws(OperationError) -> Response {
        try await visit.changeFlow { name throws(OperationError) in
            _ = try await visit.run(AddMember(uuid: name, login: visit.form.text("login")))
            return visit.done(.added, at: FlowReport.path(of: name))
        }
    }

    static func removeMember(_ visit: PanelVisit) async throws(OperationError) -> Response {
        try await visit.changeFlow { name throws(OperationError) in
            _ = try await visit.run(RemoveMember(uuid: name, login: visit.form.text("login")))
            return visit.done(.removed, at: FlowReport.path(of: name))
        }
    }

    /// Answers `/admin/flows/delete`: what will happen.
    static func askToDeleteFlow(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let report = try await visit.run(ShowFlow(uuid: visit.query.text("flow")))
        let flow = report.flow
        let readers =
            flow.isPublic
            ? "It disappears for everybody at once."
            : "It disappears for its members at once: "
                + "\(report.members.prefix(5).joined(separator: ", "))\(report.members.count > 5 ? " and others" : "")."
        return visit.confirm(
            title: "Delete the \(flow.type) \(flow.name)?",
            consequences: [readers, "Its \(flow.messages) messages and their files are removed for good."],
            action: "/admin/flows/delete", fields: [("flow", "\(flow.row)")], button: "Delete \(flow.name)",
            cancel: flow.path)
    }

    static func deleteFlow(_ visit: PanelVisit) async throws(OperationError) -> Response {
        _ = try await visit.run(DeleteFlow(uuid: visit.form.text("flow")))
        return visit.done(.deleted, at: "/admin/flows")
    }
}

extension FormFields {
    /// The kind of flow that was chosen.
    fileprivate var kind: CreateFlow.Kind? {
        let word = text("type")
        return CreateFlow.Kind.allCases.first { $0.rawValue.utf8.elementsEqual(word.utf8) }
    }
}

extension PanelVisit {
    fileprivate func newFlowPage(_ error: OperationError?) -> Response {
        let chosen = form.text("type")
        return page(
            "admin-flow-new", title: "New flow",
            [
                "owner": form.text("owner"), "name": form.text("title"), "info": form.text("info"),
                "members": form.text("members"),
                "kinds": CreateFlow.Kind.choices(chosen: chosen.isEmpty ? "group" : chosen),
            ], error: error)
    }

    /// Makes a change of the flow that the form names; when that fails, the flow's page says why.
    fileprivate func changeFlow(
        _ change: (String) async throws(OperationError) -> Response
    ) async throws(OperationError) -> Response {
        let name = form.text("flow")
        do throws(OperationError) {
            return try await change(name)
        } catch {
            return try await flowPage(name, error: error)
        }
    }

    fileprivate func flowPage(_ name: String, error: OperationError? = nil) async throws(OperationError) -> Response {
        let report = try await run(ShowFlow(uuid: name))
        let flow = report.flow
        let size = Int64(AdminPanel.pageSize)
        // The newest page, unless another one is asked for.
        let newest = max(0, flow.messages - size)
        let start = min(max(0, query.number("after") ?? newest), max(0, flow.messages))
        let messages = try await run(
            ListMessages(uuid: "\(flow.row)", range: ListRange(after: start, limit: AdminPanel.pageSize)))
        var values = flow.values
        values["members"] = report.members.map {
            ["login": $0, "path": UserReport.path(of: $0), "owner": $0 == flow.owner]
        }
        values["cut"] = report.areMembersCut
        values["listed"] = !flow.isPublic && flow.type != "chat"
        values["chat"] = flow.type == "chat"
        values["kinds"] = CreateFlow.Kind.choices(chosen: flow.type).filter { $0["value"] as? String != "chat" }
        values["shown"] = messages.items.map(\.values)
        if start > 0 { values["older"] = "\(max(0, start - size))" }
        if let next = messages.next { values["newer"] = "\(next)" }
        return page("admin-flow", title: flow.name, values, error: error)
    }
}

extension CreateFlow.Kind {
    fileprivate static func choices(chosen: String) -> [[String: Any]] {
        allCases.map { ["value": $0.rawValue, "chosen": $0.rawValue.utf8.elementsEqual(chosen.utf8)] }
    }
}

extension FlowReport {
    /// Where the flow's page is.
    var path: String { Self.path(of: "\(row)") }

    static func path(of name: String) -> String { "/admin/flows/show?flow=\(AddressText.encoded(name))" }

    /// The title, or what it is.
    var name: String { title.isEmpty ? "\(type) \(row)" : title }

    /// What pages show of a flow.
    var values: [String: Any] {
        [
            "row": "\(row)", "uuid": uuid, "type": type, "name": name, "heading": title, "info": info, "owner": owner,
            "public": isPublic, "messages": Int(messages).grouped, "created": created.asTime, "path": path,
            "ownerpath": UserReport.path(of: owner),
        ]
    }
}
