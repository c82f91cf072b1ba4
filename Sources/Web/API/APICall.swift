// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A request for the API of administrators, as far as HTTP goes.
package struct APICall: Sendable {
    /// Such as `GET`.
    package var method: String
    /// As it was sent, percent-encoded.
    package var path: String
    /// What follows the question mark, as it was sent; empty without one.
    package var query: String
    /// What the client wants to read; `nil` when it does not say so.
    package var accept: String?
    /// The credentials.
    package var authorization: String?
    /// What the body is.
    package var contentType: String?
    /// Where the client is, behind proxies too.
    package var address: String
    /// Whether the client speaks TLS with this server or with a trusted proxy in front of it.
    package var isEncrypted: Bool
    /// Reads the body; `nil` when it is longer than so many bytes.
    package var body: @Sendable (_ maximumBytes: Int) async throws -> [UInt8]?

    package init(
        method: String, path: String, query: String = "", accept: String? = nil, authorization: String? = nil,
        contentType: String? = nil, address: String, isEncrypted: Bool,
        body: @escaping @Sendable (_ maximumBytes: Int) async throws -> [UInt8]? = { _ in [] }
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.accept = accept
        self.authorization = authorization
        self.contentType = contentType
        self.address = address
        self.isEncrypted = isEncrypted
        self.body = body
    }
}

/// What the API answers.
package struct APIAnswer: Sendable {
    /// What is sent after the head.
    package enum Body: Sendable {
        case bytes([UInt8])
        /// Calls `write` with part after part, and returns after the last one.
        case stream(@Sendable (_ write: ([UInt8]) async throws -> Void) async throws -> Void)
    }

    /// The code.
    package var status: Int
    /// Names and values, all ASCII.
    package var headers: [(name: String, value: String)]
    /// What is sent after the head.
    package var body: Body

    package init(status: Int, headers: [(name: String, value: String)] = [], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
