// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

extension APICall {
    /// Where the API is; everything below it is its own.
    static let root = "/admin/api/"

    /// The call of a request below ``root``; `nil` for every other request.
    init?(_ request: Request, body: APICallBody) {
        let target = request.head.path ?? ""
        let path = target.prefix { $0 != "?" }
        guard path.utf8.starts(with: Self.root.utf8) else { return nil }
        let headers = request.headers
        self.init(
            method: request.method.rawValue, path: String(path),
            query: String(target.dropFirst(path.count).dropFirst()),
            accept: headers[values: .accept].isEmpty ? nil : headers[values: .accept].joined(separator: ","),
            authorization: headers[.authorization], contentType: headers[.contentType],
            address: headers[.xForwardedFor] ?? "unknown", isEncrypted: headers[.xForwardedProto] == "https",
            body: { try await body.read(maximumBytes: $0) })
    }
}

extension Response {
    init(_ answer: APIAnswer) {
        var headers = HTTPFields()
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
        }
        let body =
            switch answer.body {
            case .bytes(let bytes): ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
            case .stream(let produce):
                ResponseBody { writer in
                    try await produce { try await writer.write(ByteBuffer(bytes: $0)) }
                    try await writer.finish(nil)
                }
            }
        self.init(status: HTTPResponse.Status(code: answer.status), headers: headers, body: body)
    }
}

/// The body of a call, which is read at most once.
final class APICallBody: Sendable {
    enum Rest: Sendable {
        /// Nothing was read.
        case all
        /// It was read to its end.
        case nothing
        /// It is longer than was wanted.
        case tooMuch
    }

    private let request: Request
    private let state = Mutex(Rest.all)

    init(_ request: Request) {
        self.request = request
    }

    /// What was not read.
    var rest: Rest { state.withLock { $0 } }

    func read(maximumBytes: Int) async throws -> [UInt8]? {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > maximumBytes { return nil }
        var bytes: [UInt8] = []
        state.withLock { $0 = .tooMuch }
        for try await part in request.body {
            guard bytes.count + part.readableBytes <= maximumBytes else { return nil }
            bytes.append(contentsOf: part.readableBytesView)
        }
        state.withLock { $0 = .nothing }
        return bytes
    }
}

extension HTTPField.Name {
    /// Where the transport names the client of a request.
    static let xForwardedFor = HTTPField.Name("X-Forwarded-For") ?? .from
    /// Where the transport says whether the client speaks TLS.
    static let xForwardedProto = HTTPField.Name("X-Forwarded-Proto") ?? .from
}
