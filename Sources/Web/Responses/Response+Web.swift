// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

extension Response {
    /// What a page may do: no scripts, frames, forms or requests to anywhere.
    ///
    /// Styles may be inline, because the operator's own page is to be one file too; they cannot load anything.
    static let contentSecurityPolicy = """
        default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'
        """

    /// A page for people.
    static func html(_ status: HTTPResponse.Status, _ body: ByteBuffer) -> Response {
        Response(status, type: "text/html; charset=utf-8", body)
    }

    /// An answer for programs.
    static func json(_ status: HTTPResponse.Status, _ body: ByteBuffer) -> Response {
        Response(status, type: "application/json", body)
    }

    init(
        _ status: HTTPResponse.Status, type: String, _ body: ByteBuffer,
        contentSecurityPolicy: String = Self.contentSecurityPolicy
    ) {
        self.init(
            status: status,
            headers: [
                .contentType: type,
                .cacheControl: "no-store",
                .xContentTypeOptions: "nosniff",
                .contentSecurityPolicy: contentSecurityPolicy,
            ], body: ResponseBody(byteBuffer: body))
    }

    /// The same with one more header.
    func with(_ name: HTTPField.Name, _ value: String) -> Response {
        var response = self
        response.headers[name] = value
        return response
    }
}
