// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Operations

/// Messages: found by their words, and deleted.
extension AdminPanel {
    /// Answers `/admin/messages`.
    static func messages(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let words = visit.query.text("words")
        var values: [String: Any] = ["words": words, "shown": [[String: Any]]()]
        guard !words.isEmpty else { return visit.page("admin-messages", title: "Messages", values) }
        values["searched"] = true
        do throws(OperationError) {
            let page = try await visit.run(
                SearchMessages(
                    words: words, range: ListRange(after: visit.query.number("after") ?? 0, limit: pageSize)))
            values["shown"] = page.items.map(\.values)
            if let next = page.next { values["next"] = "\(next)" }
            values["key"] = AddressText.encoded(words)
            return visit.page("admin-messages", title: "Messages", values)
        } catch {
            return visit.page("admin-messages", title: "Messages", values, error: error)
        }
    }

    /// Answers `/admin/messages/delete`: which one, and what will happen.
    static func askToDeleteMessage(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let message = try await visit.run(ShowMessage(uuid: visit.query.text("message")))
        return visit.confirm(
            title: "Delete message \(message.number) of \(message.author)?",
            consequences: [
                "Its text, its earlier forms and its files are overwritten for good; its place stays.",
                "The text begins: \(String(message.text.unicodeScalars.prefix(200)))",
            ],
            action: "/admin/messages/delete", fields: [("message", message.uuid)], button: "Delete the message",
            cancel: message.path)
    }

    static func deleteMessage(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let message = try await visit.run(DeleteMessage(uuid: visit.form.text("message")))
        return visit.done(.deleted, at: message.path)
    }
}

extension MessageReport {
    /// Where the message is shown among those of its flow.
    var path: String {
        let first = max(0, number - Int64(AdminPanel.pageSize / 2))
        return "/admin/flows/show?flow=\(flowRow)&after=\(first)#message-\(number)"
    }

    /// What pages show of a message.
    var values: [String: Any] {
        [
            "uuid": uuid, "number": "\(number)", "author": author, "time": time.asTime, "edited": edited?.asTime ?? "",
            "changed": edited != nil && !isDeleted, "deleted": isDeleted, "text": text,
            "files": files.joined(separator: ", "), "attached": !files.isEmpty, "path": path, "flow": "\(flowRow)",
        ]
    }
}
