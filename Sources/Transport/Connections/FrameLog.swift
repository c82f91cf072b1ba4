// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
package import Logging
import NIOCore

/// What goes over connections, for the log at level trace: who, how much, and of JSON the names of members.
///
/// Texts, secrets and whatever else people write are replaced by their lengths.
package struct FrameLog: Sendable {
    /// Members whose values say what a frame is about; those of all others are left out.
    private static let shownMembers: Set<String> = [
        "type", "version", "revision", "code", "status", "time", "uuid", "client_id", "from_flow", "from_user", "owner",
        "message_start", "message_end", "push", "edited_status", "edited_time", "is_bot", "token_ttl", "time_created",
    ]
    private static let maximumNameBytes = 32
    private static let maximumValueCharacters = 64
    private static let maximumElements = 4
    private static let maximumMembers = 32
    private static let maximumDepth = 6
    private static let maximumParsedBytes = 1 << 20

    private let logger: Logger

    /// A log, if `logger` writes at level trace.
    package init?(_ logger: Logger) {
        guard logger.logLevel <= .trace else { return nil }
        self.logger = logger
    }

    func received(_ text: ByteBuffer, by connection: ConnectionID) {
        log("Frame received", bytes: text.readableBytes, outline: Self.outline(of: text), connection)
    }

    func received(bytes: Int, by connection: ConnectionID) {
        log("Frame received", bytes: bytes, outline: nil, connection)
    }

    func sent(_ text: ByteBuffer, by connection: ConnectionID) {
        log("Frame sent", bytes: text.readableBytes, outline: Self.outline(of: text), connection)
    }

    func sent(bytes: Int, by connection: ConnectionID) {
        log("Frame sent", bytes: bytes, outline: nil, connection)
    }

    private func log(_ message: Logger.Message, bytes: Int, outline: String?, _ connection: ConnectionID) {
        var metadata: Logger.Metadata = ["connection": "\(connection.rawValue)", "bytes": "\(bytes)"]
        if let outline { metadata["frame"] = "\(outline)" }
        logger.trace(message, metadata: metadata)
    }

    /// The shape of a JSON text, such as `{type: ping_pong, data: {user: [{uuid: 1, auth_id: string(32)}]}}`.
    ///
    /// `nil` for what is no JSON, or too large to look at.
    static func outline(of text: ByteBuffer) -> String? {
        guard text.readableBytes <= maximumParsedBytes else { return nil }
        let value = text.withUnsafeReadableBytes { bytes in try? JSONValue.parse(bytes) }
        return value.map { outline(of: $0, isShown: false, depth: 0) }
    }

    private static func outline(of value: JSONValue, isShown: Bool, depth: Int) -> String {
        switch value.kind {
        case .object:
            guard depth < maximumDepth, let members = value.members else { return "{…}" }
            var parts = members.prefix(maximumMembers).map { name, value in
                let isShown = name.utf8Count <= maximumNameBytes && shownMembers.contains(name.string)
                return "\(self.name(name.string)): \(outline(of: value, isShown: isShown, depth: depth + 1))"
            }
            if members.underestimatedCount > maximumMembers { parts.append("…") }
            return "{\(parts.joined(separator: ", "))}"
        case .array:
            guard depth < maximumDepth, let array = value.array else { return "[…]" }
            var parts = array.prefix(maximumElements).map { outline(of: $0, isShown: isShown, depth: depth + 1) }
            if array.count > maximumElements { parts.append("… \(array.count)") }
            return "[\(parts.joined(separator: ", "))]"
        case .string:
            let length = value.text?.utf8Count ?? 0
            guard isShown, length <= maximumValueCharacters, let string = value.string else {
                return "string(\(length))"
            }
            return string
        case .integer: return isShown ? value.int.map { "\($0)" } ?? "number" : "number"
        case .real: return isShown ? value.double.map { "\($0)" } ?? "number" : "number"
        case .bool: return isShown ? "\(value.bool == true)" : "bool"
        case .null: return "null"
        }
    }

    /// A member's name, unless it is not like that of any protocol.
    private static func name(_ name: String) -> String {
        let isName =
            name.utf8.count <= maximumNameBytes
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"): true
                default: false
                }
            }
        return isName ? name : "name(\(name.utf8.count))"
    }
}
