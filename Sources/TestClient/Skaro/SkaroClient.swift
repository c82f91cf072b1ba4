// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import CBOR
import Credentials
package import Skaro

/// A client of skaro: sends requests, hands each its answer, and the pushes to a stream.
///
/// Any number of tasks may have requests under way.
package final class SkaroClient: Sendable {
    private let socket: WebSocketClient
    private let exchange: SkaroExchange
    /// What a login on this connection signs.
    package let token: String
    /// What the server sent of its own accord.
    ///
    /// Ends with the connection; unbounded; for one reader.
    package let pushes: AsyncStream<SkaroNews>

    private init(socket: WebSocketClient, exchange: SkaroExchange, token: String, pushes: AsyncStream<SkaroNews>) {
        self.socket = socket
        self.exchange = exchange
        self.token = token
        self.pushes = pushes
    }

    /// Connects to a server at an address such as `ws://127.0.0.1:8080/skaro`, and waits for its first word.
    ///
    /// - Returns: A client that is not logged in.
    package static func connect(
        url: String, options: ClientOptions = ClientOptions()
    ) async throws(ClientError) -> SkaroClient {
        let (pushes, pushSource) = AsyncStream.makeStream(of: SkaroNews.self)
        let (challenges, challengeSource) = AsyncStream.makeStream(of: String.self)
        let exchange = SkaroExchange(challenge: challengeSource, pushes: pushSource)
        let socket = try await WebSocketClient.connect(
            url: url, options: options, onMessage: { exchange.received($0) },
            onEnd: { exchange.end(failure: $1 ?? .closed($0)) })
        let token = await withTaskGroup(of: String?.self) { group in
            group.addTask { await challenges.first { _ in true } }
            group.addTask {
                try? await Task.sleep(for: options.timeout)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        guard let token else {
            let failure = exchange.failure ?? .timedOut(address: url, after: options.timeout)
            await socket.abort()
            throw failure
        }
        return SkaroClient(socket: socket, exchange: exchange, token: token, pushes: pushes)
    }

    // MARK: Requests

    /// Sends a request and waits for its answer, whatever its status.
    package func request(_ call: SkaroCall) async throws(ClientError) -> SkaroAnswer {
        try await request { call.encoded(id: .int($0)) }
    }

    /// Sends any map as a request, with an `on_request` of its own, and waits for its answer.
    package func request(_ fields: CBORValue) async throws(ClientError) -> SkaroAnswer {
        try await request { id in
            CBORValue.map((fields.map ?? []) + [CBORPair("on_request", .int(id))]).encoded()
        }
    }

    private func request(_ frame: (Int64) -> [UInt8]) async throws(ClientError) -> SkaroAnswer {
        let (id, answer) = try exchange.newRequest()
        try await send(frame: frame(id))
        return try await answer.value()
    }

    /// Sends a binary message that needs not be a request.
    ///
    /// An answer with an `id` that no request here has ends the connection.
    package func send(frame: [UInt8]) async throws(ClientError) {
        try await socket.send(frame: WebSocketFrameBytes(opcode: 2), payload: frame)
    }

    // MARK: Logging in

    /// Makes an account; it is not logged in by that.
    ///
    /// - Throws: `SkaroDenial` when the status is not 200.
    package func register(
        login: String, password: String, name: String? = nil, email: String? = nil, invite: String? = nil
    ) async throws {
        let answer = try await request(
            .register(
                SkaroRegistration(login: login, password: password, name: name, email: email, invite: invite)))
        guard answer.isSuccess else { throw SkaroDenial(answer) }
    }

    /// Logs in with a password, which is not sent.
    ///
    /// - Returns: The session's id, for `restore`: a secret.
    /// - Throws: `SkaroDenial` when the status is not 200.
    @discardableResult
    package func authorize(login: String, password: String) async throws -> String {
        try session(in: await request(.authorize(login: login, proof: proof(of: password))))
    }

    /// Goes on with a session whose connection broke.
    ///
    /// - Returns: The session's id from now on.
    /// - Throws: `SkaroDenial` when the status is not 200.
    @discardableResult
    package func restore(_ sid: String) async throws -> String {
        try session(in: await request(.sessionRestore(sid: sid)))
    }

    /// What proves on this connection that the user knows the password.
    package func proof(of password: String) -> String {
        HMACChallenge(Password(password)).answer(to: token)
    }

    private func session(in answer: SkaroAnswer) throws -> String {
        guard answer.isSuccess else { throw SkaroDenial(answer) }
        guard let id = answer.sessionID else { throw ClientError.protocolViolation("a login without session_id") }
        return id
    }

    // MARK: Talking

    /// Sends a text to a login or a flow and waits until it is stored.
    ///
    /// - Throws: `SkaroDenial` when the status is not 200.
    @discardableResult
    package func send(_ body: String, to dialog: String) async throws -> SkaroMessage {
        let answer = try await request(.sendMessage(to: dialog, body: body))
        guard answer.isSuccess else { throw SkaroDenial(answer) }
        guard let message = answer.message else { throw ClientError.protocolViolation("a stored message without data") }
        return message
    }

    // MARK: The connection

    /// How the connection ended; `nil` while it lives.
    package var closure: WebSocketClosure? { socket.closure }

    /// The connection below.
    package var webSocket: WebSocketClient { socket }

    /// Ends the connection properly.
    ///
    /// Requests under way fail; the session can be restored.
    @discardableResult
    package func close() async -> WebSocketClosure {
        await socket.close()
    }
}
