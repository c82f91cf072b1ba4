// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1

/// Judges a request head that may ask for a WebSocket connection.
///
/// RFC 6455 §4.2.1.
enum WebSocketUpgradeRequest: Equatable {
    /// No WebSocket client: serve it as HTTP.
    case notRequested
    /// All is well.
    case acceptable
    /// A WebSocket client of another version, or none although the path is for WebSocket only: 426.
    case upgradeRequired
    /// A broken handshake: 400, and what is wrong with it.
    case malformed(String)

    static let version = "13"

    init(_ head: HTTPRequestHead) {
        guard head.headers[canonicalForm: "upgrade"].contains(where: { $0.lowercased() == "websocket" }) else {
            self = .notRequested
            return
        }
        let keys = head.headers["sec-websocket-key"]
        if head.method != .GET || head.version != .http1_1 {
            self = .malformed("A WebSocket handshake is a GET request of HTTP/1.1.")
        } else if !head.headers[canonicalForm: "connection"].contains(where: { $0.lowercased() == "upgrade" }) {
            self = .malformed("The header 'Connection: Upgrade' is missing.")
        } else if head.headers["sec-websocket-version"] != [Self.version] {
            self = .upgradeRequired
        } else if keys.count != 1 || !Self.isKey(keys[0]) {
            self = .malformed("The header 'Sec-WebSocket-Key' must be there once and be 16 bytes in Base64.")
        } else if head.headers["host"].count != 1 {
            self = .malformed("The header 'Host' must be there once.")
        } else {
            self = .acceptable
        }
    }

    /// 16 bytes in Base64 are 22 digits and two signs of padding.
    private static func isKey(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 24, bytes[22] == UInt8(ascii: "="), bytes[23] == UInt8(ascii: "=") else { return false }
        return bytes[..<22].allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                true
            default:
                false
            }
        }
    }
}
