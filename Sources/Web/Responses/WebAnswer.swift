// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore

/// One response, before it is known whether its body is sent.
struct WebAnswer: Sendable {
    var status: HTTPResponse.Status
    var fields: HTTPFields
    var body: ByteBuffer

    /// What a page may do: no scripts, frames, forms or requests to anywhere.
    ///
    /// Styles may be inline, because the operator's own page is to be one file too; they cannot load anything.
    static let contentSecurityPolicy = """
        default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'
        """

    static func html(_ status: HTTPResponse.Status, _ body: ByteBuffer) -> WebAnswer {
        WebAnswer(status, type: "text/html; charset=utf-8", body)
    }

    static func json(_ status: HTTPResponse.Status, _ body: ByteBuffer) -> WebAnswer {
        WebAnswer(status, type: "application/json", body)
    }

    private init(_ status: HTTPResponse.Status, type: String, _ body: ByteBuffer) {
        self.status = status
        self.body = body
        self.fields = [
            .contentType: type,
            .contentLength: String(body.readableBytes),
            .cacheControl: "no-store",
            .xContentTypeOptions: "nosniff",
            .contentSecurityPolicy: Self.contentSecurityPolicy,
        ]
    }

    /// The same with one more header.
    func with(_ name: HTTPField.Name, _ value: String) -> WebAnswer {
        var answer = self
        answer.fields[name] = value
        return answer
    }

    var head: HTTPResponse { HTTPResponse(status: self.status, headerFields: self.fields) }
}

/// A page that says why there is no other, in both forms.
struct Notice: Sendable {
    private let status: HTTPResponse.Status
    private let html: ByteBuffer
    private let json: ByteBuffer

    static func notFound(_ templates: PageTemplates) -> Notice {
        Notice(
            .notFound, title: "Not found", text: "There is no page at this address.",
            json: #"{"version":1,"error":"not_found"}"#, templates)
    }

    static func methodNotAllowed(_ templates: PageTemplates) -> Notice {
        Notice(
            .methodNotAllowed, title: "Method not allowed", text: "This page can only be read.",
            json: #"{"version":1,"error":"method_not_allowed"}"#, templates)
    }

    private init(
        _ status: HTTPResponse.Status, title: String, text: String, json: String, _ templates: PageTemplates
    ) {
        self.status = status
        self.html = ByteBuffer(string: templates.renderNotice(title: title, text: text))
        self.json = ByteBuffer(string: json)
    }

    func answer(_ form: AcceptHeader.Form) -> WebAnswer {
        switch form {
        case .html: .html(self.status, self.html)
        case .json: .json(self.status, self.json)
        }
    }
}
