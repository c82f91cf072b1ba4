// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Credentials
package import FastChat
import JSON

/// A client of FastChat: asks the balancer, encrypts and decrypts, and gives what others write as a stream.
///
/// Requests with an answer are made one after the other.
package final class FastChatClient: Sendable {
    private let socket: MessengerSocket
    private let exchange: FastChatExchange
    /// What others wrote and what the server tells.
    ///
    /// Ends with the connection; unbounded; for one reader.
    package let events: AsyncStream<FastChatEvent>

    private init(socket: MessengerSocket, exchange: FastChatExchange, events: AsyncStream<FastChatEvent>) {
        self.socket = socket
        self.exchange = exchange
        self.events = events
    }

    /// Asks a balancer for a server.
    ///
    /// - Returns: Where to connect, and the signature to show there.
    /// - Throws: `ClientError` without a connection or an answer, `FastChatClientFailure.wrongSignature`.
    package static func assignment(
        host: String, port: Int, isSecure: Bool = false, verifying publicKey: RSAPublicKey? = nil,
        options: ClientOptions = ClientOptions()
    ) async throws -> FastChatAssignment {
        let socket = try await MessengerSocket.connect(host: host, port: port, isSecure: isSecure, options: options)
        var bytes: [UInt8] = []
        for await read in socket.reads where bytes.count < FastChatSplitter.standardMaximumBytes { bytes += read }
        await socket.close()
        guard !bytes.isEmpty else { throw FastChatClientFailure.noServer }
        let assignment: FastChatAssignment
        do {
            assignment = try FastChatAssignment(decoding: bytes)
        } catch {
            throw ClientError.protocolViolation("the balancer's answer is none: \(error)")
        }
        let text = FastChatAssignment.signedText(host: assignment.host, port: assignment.port)
        if let publicKey, !publicKey.isValid(signature: assignment.sign, of: text) {
            throw FastChatClientFailure.wrongSignature
        }
        return assignment
    }

    /// Connects to a server.
    ///
    /// - Returns: A client that is not logged in.
    /// - Throws: `ClientError.refused`, `.timedOut`, `.tls` and so on.
    package static func connect(
        host: String, port: Int, isSecure: Bool = false, options: ClientOptions = ClientOptions()
    ) async throws(ClientError) -> FastChatClient {
        let (events, continuation) = AsyncStream.makeStream(of: FastChatEvent.self)
        let exchange = FastChatExchange(events: continuation, maximumBytes: options.maximumMessageBytes)
        let socket = try await MessengerSocket.connect(
            host: host, port: port, isSecure: isSecure, options: options, onRead: { exchange.received($0) },
            onEnd: { exchange.end(.closed(.abnormal)) })
        return FastChatClient(socket: socket, exchange: exchange, events: events)
    }

    /// The connection below, for raw bytes.
    package var connection: MessengerSocket { socket }

    /// The number of the account; `nil` before the login.
    package var number: FastChatUserNumber? { exchange.account?.number }

    // MARK: Accounts

    /// Makes an account with a key pair, and is logged in.
    ///
    /// - Throws: `FastChatClientFailure.refused`.
    package func register(
        _ number: FastChatUserNumber, password: String, key: RSAPrivateKey, sign: String
    ) async throws {
        try await begin(
            .register(number, password: password, publicKey: key.publicKey.pem, sign: sign), number, key,
            expecting: .registered)
    }

    /// Logs in.
    ///
    /// - Throws: `FastChatClientFailure.refused`.
    package func logIn(
        _ number: FastChatUserNumber, password: String, key: RSAPrivateKey?, sign: String
    ) async throws {
        try await begin(.logIn(number, password: password, sign: sign), number, key, expecting: .loggedIn)
    }

    private func begin(
        _ request: FastChatRequest, _ number: FastChatUserNumber, _ key: RSAPrivateKey?,
        expecting expected: FastChatReply
    ) async throws {
        // Before the reply: what was missed follows it at once.
        exchange.account = FastChatAccount(number: number, key: key)
        let answer = exchange.expectReply()
        try await socket.send(request.encoded())
        let reply = try await answer.value()
        guard reply == expected else {
            exchange.account = nil
            throw FastChatClientFailure.refused(reply.message)
        }
    }

    /// Logs out; the server closes the connection.
    package func logOut() async throws {
        try await socket.send(FastChatRequest.logOut(from: loggedIn()).encoded(time: Self.time))
    }

    /// Ends the connection.
    package func close() async {
        await socket.close()
    }

    // MARK: Keys

    /// The key to write to a user with.
    ///
    /// - Returns: `nil` when there is no such user, or none that can be written to.
    /// - Throws: `ClientError` when the connection ends before.
    package func key(of user: FastChatUserNumber) async throws -> RSAPublicKey? {
        let keys = try await keys(.userKey(user, from: loggedIn()))
        return try keys?.first.map { try RSAPublicKey(pem: $0.pem) }
    }

    /// The keys of the other members of a group.
    ///
    /// - Returns: `nil` for a group that the account is no member of.
    /// - Throws: `ClientError` when the connection ends before.
    package func keys(of group: FastChatGroupNumber) async throws -> [FastChatUserNumber: RSAPublicKey]? {
        guard let keys = try await keys(.groupKeys(group, from: loggedIn())) else { return nil }
        return try Dictionary(uniqueKeysWithValues: keys.map { ($0.user, try RSAPublicKey(pem: $0.pem)) })
    }

    private func keys(_ request: FastChatRequest) async throws -> [FastChatKeysReply.Key]? {
        let answer = exchange.expectKeys()
        try await socket.send(request.encoded())
        return try await answer.value().keys
    }

    // MARK: Messages

    /// Encrypts a message for a user and sends it; the protocol does not acknowledge it.
    ///
    /// - Throws: `FastChatClientFailure.noKey`.
    package func send(
        _ text: String, to user: FastChatUserNumber, as kind: FastChatHeader.Kind = .text
    ) async throws {
        guard let key = try await key(of: user) else { throw FastChatClientFailure.noKey }
        let header = FastChatHeader(kind: kind, sender: try loggedIn(), time: Self.time)
        let copy = try Self.copy(text, for: user, key)
        try await socket.send(FastChatRequest.direct(FastChatMessage(header, copy)).encoded())
    }

    /// Encrypts a message for each other member of a group and sends it.
    ///
    /// - Throws: `FastChatClientFailure.noKey` unless the account is a member.
    package func send(
        _ text: String, to group: FastChatGroupNumber, as kind: FastChatHeader.Kind = .text
    ) async throws {
        guard let keys = try await keys(of: group) else { throw FastChatClientFailure.noKey }
        let header = FastChatHeader(kind: kind, sender: try loggedIn(), time: Self.time)
        let copies = try keys.sorted { $0.key < $1.key }.map { try Self.copy(text, for: $0.key, $0.value) }
        let request: FastChatRequest =
            copies.isEmpty
            ? .emptyGroupMessage : .group(FastChatGroupMessage(header, to: group, copies: copies))
        try await socket.send(request.encoded())
    }

    /// Sends a request as it is.
    package func send(_ request: FastChatRequest) async throws(ClientError) {
        try await socket.send(request.encoded(time: Self.time))
    }

    private static func copy(
        _ text: String, for user: FastChatUserNumber, _ key: RSAPublicKey
    ) throws -> FastChatCopy {
        var random = SecureRandom()
        let envelope = try HybridEnvelope(sealing: text, for: key, using: &random)
        return FastChatCopy(recipient: user, body: JSONText(envelope.message), key: JSONText(envelope.key))
    }

    // MARK: Groups

    /// Makes a group.
    ///
    /// - Throws: `FastChatClientFailure.refused`.
    package func createGroup(of members: [FastChatUserNumber]) async throws -> FastChatGroupNumber {
        let notice = try await change(.createGroup(members: members, from: loggedIn()))
        guard let group = notice.group else { throw FastChatClientFailure.refused(notice.text) }
        return group
    }

    /// Adds a user to a group of the account's.
    ///
    /// - Throws: `FastChatClientFailure.refused`.
    package func add(_ user: FastChatUserNumber, to group: FastChatGroupNumber) async throws {
        _ = try await change(.addToGroup(group, member: user, from: loggedIn()))
    }

    /// Removes a user from a group of the account's.
    ///
    /// - Throws: `FastChatClientFailure.refused`.
    package func remove(_ user: FastChatUserNumber, from group: FastChatGroupNumber) async throws {
        _ = try await change(.removeFromGroup(group, member: user, from: loggedIn()))
    }

    private func change(_ request: FastChatRequest) async throws -> FastChatNotice {
        let answer = exchange.expectOutcome()
        try await socket.send(request.encoded(time: Self.time))
        let notice = try await answer.value()
        guard !FastChatExchange.isRefusal(notice) else { throw FastChatClientFailure.refused(notice.text) }
        return notice
    }

    private func loggedIn() throws(FastChatClientFailure) -> FastChatUserNumber {
        guard let number else { throw .notLoggedIn }
        return number
    }

    private static var time: String {
        FastChatTime.text(milliseconds: ClientTime.now)
    }
}

/// Why a client of FastChat did not do what it was asked for.
package enum FastChatClientFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case notLoggedIn
    /// The balancer named no server.
    case noServer
    /// What the balancer sent was not signed with the expected key.
    case wrongSignature
    /// There is no user of that number, or no key to write to them with.
    case noKey
    /// What the server says.
    case refused(String)

    package var description: String {
        switch self {
        case .notLoggedIn: "Log in first."
        case .noServer: "The balancer has no server to name now. Try again later."
        case .wrongSignature: "The balancer's signature is not by the expected key."
        case .noKey: "There is no such user or group, or no key to write to them with."
        case .refused(let words): words
        }
    }
}
