// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Messenger
import Synchronization

/// A client of messenger: requests one after the other, and the pushes as a stream.
package final class MessengerClient: Sendable {
    /// What the server sends of its own accord.
    package enum Push: Equatable, Sendable {
        /// A message, or a part of a long one.
        case message(from: String, text: String)
        /// A contact came or went.
        case presence(String, isOnline: Bool)
    }

    private let socket: MessengerSocket
    private let exchange: MessengerExchange
    /// The messages and the coming and going of contacts.
    ///
    /// Ends with the connection; unbounded; for one reader.
    package let pushes: AsyncStream<Push>

    private init(socket: MessengerSocket, exchange: MessengerExchange, pushes: AsyncStream<Push>) {
        self.socket = socket
        self.exchange = exchange
        self.pushes = pushes
    }

    /// Connects to a server.
    ///
    /// - Returns: A client that is not logged in.
    /// - Throws: `ClientError.refused`, `.timedOut`, `.tls` and so on.
    package static func connect(
        host: String, port: Int, isSecure: Bool = false, options: ClientOptions = ClientOptions()
    ) async throws(ClientError) -> MessengerClient {
        let (pushes, continuation) = AsyncStream.makeStream(of: Push.self)
        let exchange = MessengerExchange(pushes: continuation)
        let socket = try await MessengerSocket.connect(
            host: host, port: port, isSecure: isSecure, options: options, onRead: { exchange.received($0) },
            onEnd: { exchange.end(.closed(.abnormal)) })
        return MessengerClient(socket: socket, exchange: exchange, pushes: pushes)
    }

    /// The key of the login; `nil` without one.
    package var key: MessengerKey? { exchange.key }

    /// The connection below, for raw bytes.
    package var connection: MessengerSocket { socket }

    /// Sends a request and waits for its answer.
    ///
    /// One at a time: the protocol pairs answers with requests by their first byte only.
    ///
    /// - Parameter request: Any that the server answers; a message is only answered when it is refused.
    /// - Returns: The answer, also a refusal; a list of contacts in parts gives the first part.
    /// - Throws: `ClientError.closed` when the connection ends before.
    package func request(_ request: MessengerRequest) async throws(ClientError) -> MessengerAnswer {
        try await exchange.answer(prefix: request.prefix) { () async throws(ClientError) in
            try await socket.send(request.encoded())
        }
    }

    /// Makes an account.
    ///
    /// - Throws: `MessengerFailure` unless it was made.
    package func signUp(email: String = "", login: String, password: String) async throws {
        let answer = try await request(.signUp(email: email, login: login, password: password))
        guard answer == .signedUp else { throw MessengerFailure(answer: answer) }
    }

    /// Logs in and keeps the key.
    ///
    /// - Throws: `MessengerFailure` for a refusal.
    package func logIn(_ login: String, password: String) async throws {
        let answer = try await request(.logIn(login: login, password: password))
        guard case .loggedIn(let key) = answer else { throw MessengerFailure(answer: answer) }
        exchange.key = key
    }

    /// The contacts with their state, as far as one unit holds them.
    ///
    /// - Throws: `MessengerFailure` without a login.
    package func contacts() async throws -> [MessengerContact] {
        switch try await request(.contacts(loggedInKey())) {
        case .contacts(let contacts): return contacts
        case .noContacts: return []
        case let answer: throw MessengerFailure(answer: answer)
        }
    }

    /// Adds a contact.
    ///
    /// - Returns: Whether they are online.
    /// - Throws: `MessengerFailure` for a user who does not exist.
    @discardableResult
    package func add(_ login: String) async throws -> Bool {
        let answer = try await request(.addContact(loggedInKey(), login: login))
        guard case .contactAdded(let isOnline) = answer else { throw MessengerFailure(answer: answer) }
        return isOnline
    }

    /// Sends a message; that it was taken is not told.
    ///
    /// - Parameters:
    ///   - text: Anything that is not empty.
    ///   - recipient: A login, or `#` and the row number of a group.
    /// - Throws: `MessengerFailure` without a login, `ClientError.closed` without a connection.
    package func send(_ text: String, to recipient: String) async throws {
        try await socket.send(
            MessengerRequest.send(loggedInKey(), to: MessengerRecipient(recipient), text: text).encoded())
    }

    /// Logs out; the connection stays.
    ///
    /// - Throws: `MessengerFailure` without a login.
    package func logOut() async throws {
        let answer = try await request(.logOut(loggedInKey()))
        guard answer == .loggedOut else { throw MessengerFailure(answer: answer) }
        exchange.key = nil
    }

    /// The refusals of messages that came since the last call.
    package func takeRefusals() -> Int { exchange.takeRefusals() }

    /// Ends the connection.
    package func close() async {
        await socket.close()
    }

    private func loggedInKey() throws(MessengerFailure) -> MessengerKey {
        guard let key else { throw MessengerFailure(answer: nil) }
        return key
    }
}

/// A server did not do what it was asked for.
package struct MessengerFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// What it answered; `nil` when it was not asked, for want of a login.
    package var answer: MessengerAnswer?

    package init(answer: MessengerAnswer?) {
        self.answer = answer
    }

    package var description: String {
        switch answer {
        case nil: "Log in first."
        case .loginTaken: "The login is taken. Choose another one."
        case .signUpRefused:
            "Sign-up over this protocol is closed on this server. Ask its administrator for an account."
        case .noSuchLogin: "There is no account with this login."
        case .wrongPassword: "The password is wrong, or too many wrong ones came lately."
        case .noSuchUser: "There is no such user."
        case .refused: "The server refused the request."
        case .signedUp, .loggedIn, .loggedOut, .contacts, .noContacts, .contactAdded:
            "The server broke the protocol: its answer is to another request."
        }
    }
}
