// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
package import MTP
import NIOCore
import Synchronization

/// A client of MTP: sends requests, hands each its answer, and the pushes to a stream.
///
/// Any number of tasks may have requests under way: answers come in the order of the requests.
package final class MTPClient: Sendable {
    private let socket: WebSocketClient
    private let exchange: MTPExchange
    /// The frames that the server sent of its own accord, after `meta.push`.
    ///
    /// Ends with the connection; unbounded; for one reader.
    package let pushes: AsyncStream<MTPResponse>

    private init(socket: WebSocketClient, exchange: MTPExchange, pushes: AsyncStream<MTPResponse>) {
        self.socket = socket
        self.exchange = exchange
        self.pushes = pushes
    }

    /// Connects to a server at an address such as `ws://127.0.0.1:8080/ws`.
    package static func connect(
        url: String, options: ClientOptions = ClientOptions()
    ) async throws(ClientError) -> MTPClient {
        let (pushes, continuation) = AsyncStream.makeStream(of: MTPResponse.self)
        let exchange = MTPExchange(pushes: continuation)
        let socket = try await WebSocketClient.connect(
            url: url, options: options, onMessage: { exchange.received($0) },
            onEnd: { exchange.end(failure: $1 ?? .closed($0)) })
        return MTPClient(socket: socket, exchange: exchange, pushes: pushes)
    }

    /// Sends a request and waits for its answer, whatever its code.
    package func request(_ request: MTPRequest) async throws(ClientError) -> MTPResponse {
        try await self.request(frame: request.encoded())
    }

    /// Sends any frame that the server answers, and waits for its answer.
    package func request(frame: [UInt8]) async throws(ClientError) -> MTPResponse {
        try await exchange.answer { socket.enqueue(text: frame) }
    }

    /// Registers an account and keeps its credentials.
    ///
    /// - Throws: `MTPClientRefusal` when the code is not 201.
    package func register(
        login: String, password: String, username: String? = nil, email: String? = nil
    ) async throws -> MTPCredentials {
        let answer = try await request(
            .registerUser(login: login, password: password, username: username, email: email))
        return try credentials(in: answer)
    }

    /// Logs in with a password.
    ///
    /// - Throws: `MTPClientRefusal` when the code is not 200.
    package func authenticate(login: String, password: String) async throws -> MTPCredentials {
        try credentials(in: await request(.authentication(login: login, password: password)))
    }

    /// How the connection ended; `nil` while it lives.
    package var closure: WebSocketClosure? { socket.closure }

    /// The connection below, for raw frames.
    ///
    /// Answers to what is sent there disturb the pairing of answers here.
    package var webSocket: WebSocketClient { socket }

    /// Ends the connection properly.
    ///
    /// Requests under way fail.
    @discardableResult
    package func close() async -> WebSocketClosure {
        await socket.close()
    }

    private func credentials(in answer: MTPResponse) throws -> MTPCredentials {
        guard answer.isSuccess else { throw MTPClientRefusal(answer) }
        guard let user = answer.data?.user?.first, let uuid = user.uuid?.description,
            let authID = user.authID?.string
        else {
            throw ClientError.protocolViolation("a login without uuid and auth_id")
        }
        return MTPCredentials(uuid: uuid, authID: authID)
    }
}

/// A server answered with a code that is no success, where the caller needs one.
package struct MTPClientRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    package var code: Int
    package var status: String
    package var detail: String?

    package init(_ answer: MTPResponse) {
        self.code = answer.code
        self.status = answer.status
        self.detail = answer.detail
    }

    package var description: String {
        let words = "The server answered \(code) \(status)\(detail.map { ": \($0)" } ?? "")"
        return words.hasSuffix(".") ? words : words + "."
    }
}
