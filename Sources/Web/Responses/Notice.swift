// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

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

    func answer(_ form: AcceptHeader.Form) -> Response {
        switch form {
        case .html: .html(self.status, self.html).with(.vary, "Accept")
        case .json: .json(self.status, self.json).with(.vary, "Accept")
        }
    }
}
