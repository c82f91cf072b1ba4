// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import Operations

/// Renders the panel's pages for visitors, logged in or not.
struct PanelDesk: Sendable {
    let panel: AdminPanel
    let templates: PanelTemplates

    /// A page without navigation.
    func page(
        _ template: String, _ status: HTTPResponse.Status = .ok, title: String, _ values: [String: Any]
    ) -> Response {
        var values = values
        values["title"] = title
        values["server"] = panel.server.name()
        return .panel(status, html: templates.render(template, values))
    }

    /// A page that says why there is no other.
    func refuse(_ status: HTTPResponse.Status, _ title: String, _ text: String) -> PanelRefusal {
        PanelRefusal(response: page("admin-message", status, title: title, ["text": text]))
    }

    /// The answer to a form whose token is missing, or another browser's.
    func staleForm() -> Response {
        refuse(
            .forbidden, "Form out of date",
            "The form was not made for this login, so nothing was done. Open the page again and repeat the change."
        ).response
    }
}

extension OperationError {
    /// The status of a page that shows the error.
    var status: HTTPResponse.Status {
        switch kind {
        case .notFound: .notFound
        case .exists: .conflict
        case .refused: .forbidden
        case .invalid: .badRequest
        case .busy, .tooMany: .tooManyRequests
        case .unavailable: .serviceUnavailable
        case .failed: .internalServerError
        }
    }
}

extension Response {
    /// What pages of the panel may do: load this server's style and script, ask it again, and send forms to it.
    static let panelPolicy = """
        default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
        form-action 'self'; base-uri 'none'; frame-ancestors 'none'
        """

    /// A page of the panel.
    static func panel(_ status: HTTPResponse.Status, html: String) -> Response {
        panel(status, type: "text/html; charset=utf-8", ByteBuffer(string: html))
    }

    /// A page or file of the panel.
    static func panel(_ status: HTTPResponse.Status, type: String, _ body: ByteBuffer) -> Response {
        Response(status, type: type, body, contentSecurityPolicy: panelPolicy).withPanelHeaders
    }

    /// Sends the browser to another page, which it asks for anew.
    static func seeOther(_ path: String) -> Response {
        Response(.seeOther, type: "text/plain; charset=utf-8", ByteBuffer(), contentSecurityPolicy: panelPolicy)
            .with(.location, path).withPanelHeaders
    }

    private var withPanelHeaders: Response {
        var response = self
        for (name, value) in Self.panelHeaders { response.headers[name] = value }
        return response
    }

    private static let panelHeaders: [(HTTPField.Name, String)] = [
        // Not "no-referrer": browsers would then send forms without saying where they come from.
        ("Referrer-Policy", "same-origin"), ("X-Frame-Options", "DENY"), ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ].compactMap { name, value in HTTPField.Name(name).map { ($0, value) } }
}
