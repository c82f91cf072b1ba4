// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Why a client could not connect, or lost its connection.
///
/// Each text is a sentence for people.
package enum ClientError: Error, Equatable, Sendable {
    /// The address is not one that the client understands.
    case invalidURL(String, reason: String)
    /// Nothing listens there.
    case refused(address: String)
    /// No connection, for another reason: no such host, no route.
    case unreachable(address: String, reason: String)
    /// No connection, handshake or answer in time.
    case timedOut(address: String, after: Duration)
    /// TLS failed: a certificate that is not trusted, no TLS on the other side, a file that cannot be read.
    case tls(reason: String)
    /// The server answered the upgrade with another status than 101.
    case handshakeRefused(status: Int, reason: String)
    /// The connection ended. See `WebSocketClosure` for the codes.
    case closed(WebSocketClosure)
    /// The server sent more in one message or body than the client takes.
    case messageTooLarge(limit: Int)
    /// The server broke the rules of HTTP, WebSocket or the chat protocol.
    case protocolViolation(String)
    /// The waiting task was cancelled.
    case cancelled
}

extension ClientError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .invalidURL(let url, let reason): "'\(url)' is not an address to connect to: \(reason)."
        case .refused(let address): "Nothing listens on \(address)."
        case .unreachable(let address, let reason): "\(address) cannot be reached: \(reason)."
        case .timedOut(let address, let limit): "\(address) did not answer within \(limit.inSeconds)."
        case .tls(let reason): "TLS failed: \(reason)."
        case .handshakeRefused(let status, let reason): "The server refused the connection with \(status) \(reason)."
        case .closed(let closure): "The server closed the connection (\(closure))."
        case .messageTooLarge(let limit): "The server sent more than \(limit) bytes at once."
        case .protocolViolation(let reason): "The server broke the protocol: \(reason)."
        case .cancelled: "The request was cancelled."
        }
    }
}

extension Duration {
    /// Such as `10 s` or `0.5 s`.
    package var inSeconds: String {
        let seconds = self / .seconds(1)
        return "\(seconds == seconds.rounded() ? "\(Int64(seconds))" : "\(seconds)") s"
    }
}

/// How a WebSocket ended.
package struct WebSocketClosure: Hashable, Sendable, CustomStringConvertible {
    /// The code of the server's close frame; 1005 when that had none, 1006 when the connection ended without one.
    package var code: Int
    /// The reason in the close frame.
    package var reason: String

    /// The connection ended without a close frame.
    package static let abnormal = WebSocketClosure(code: 1006, reason: "")

    package init(code: Int, reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { reason.isEmpty ? "code \(code)" : "code \(code): \(reason)" }
}
