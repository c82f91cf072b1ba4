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
    /// After how many seconds a client may try again, if that could help.
    private let retryAfter: Int?

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

    /// What clients of people get from a server in maintenance.
    static func maintenance(_ templates: PageTemplates) -> Notice {
        Notice(
            .serviceUnavailable, title: "Maintenance",
            text: "The server is in maintenance: clients cannot connect. Please try again later.",
            json: #"{"version":1,"error":"maintenance"}"#, retryAfter: 60, templates)
    }

    private init(
        _ status: HTTPResponse.Status, title: String, text: String, json: String, retryAfter: Int? = nil,
        _ templates: PageTemplates
    ) {
        self.status = status
        self.html = ByteBuffer(string: templates.renderNotice(title: title, text: text))
        self.json = ByteBuffer(string: json)
        self.retryAfter = retryAfter
    }

    func answer(_ form: AcceptHeader.Form) -> Response {
        let answer: Response =
            switch form {
            case .html: .html(self.status, self.html).with(.vary, "Accept")
            case .json: .json(self.status, self.json).with(.vary, "Accept")
            }
        guard let retryAfter else { return answer }
        return answer.with(.retryAfter, "\(retryAfter)")
    }
}
