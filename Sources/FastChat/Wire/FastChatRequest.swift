// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON

/// What a client asks for: everything has the right type, nothing is checked for sense.
package enum FastChatRequest: Equatable, Sendable {
    /// Create an account; corresponds to `new`.
    case register(FastChatUserNumber, password: String, publicKey: String, sign: String)
    /// Corresponds to `login`.
    case logIn(FastChatUserNumber, password: String, sign: String)
    /// Leave before logging in; corresponds to `close`.
    case close
    /// The public key of one user; corresponds to `keys`.
    case userKey(FastChatUserNumber, from: FastChatUserNumber)
    /// The public keys of all other members; corresponds to `keys` with `isgroup`.
    case groupKeys(FastChatGroupNumber, from: FastChatUserNumber)
    /// A message to one person.
    case direct(FastChatMessage)
    /// A message to a group.
    case group(FastChatGroupMessage)
    /// An empty array: what the old client sends into a group without other members.
    case emptyGroupMessage
    /// The sender becomes its admin; the members may be none, and may name the sender.
    case createGroup(members: [FastChatUserNumber], from: FastChatUserNumber)
    case addToGroup(FastChatGroupNumber, member: FastChatUserNumber, from: FastChatUserNumber)
    case removeFromGroup(FastChatGroupNumber, member: FastChatUserNumber, from: FastChatUserNumber)
    /// A message `close` to the server.
    case logOut(from: FastChatUserNumber)

    /// The users named when a group is created.
    package static let maximumMembers = 10_000

    /// Who the client says it is; must be the logged-in user.
    package var sender: FastChatUserNumber? {
        switch self {
        case .register, .logIn, .close, .emptyGroupMessage: nil
        case .userKey(_, let sender), .groupKeys(_, let sender), .createGroup(_, let sender),
            .addToGroup(_, _, let sender), .removeFromGroup(_, _, let sender), .logOut(let sender):
            sender
        case .direct(let message): message.header.sender
        case .group(let message): message.header.sender
        }
    }

    /// The request as one JSON value, for clients; it may hold a password.
    package func encoded(time: String = "") -> [UInt8] {
        var writer = JSONWriter()
        switch self {
        case .register(let user, let password, let publicKey, let sign):
            writer.beginObject()
            writer.member("type", "new")
            writer.member("user", user.rawValue)
            writer.member("password", password)
            writer.member("sign", sign)
            writer.member("public_key", publicKey)
            writer.endObject()
        case .logIn(let user, let password, let sign):
            writer.beginObject()
            writer.member("type", "login")
            writer.member("user", user.rawValue)
            writer.member("password", password)
            writer.member("sign", sign)
            writer.endObject()
        case .close:
            writer.raw(#"{"type":"close","user":"close","password":"close"}"#)
        case .userKey(let user, let sender):
            writeKeys(of: user.rawValue, isGroup: false, from: sender, to: &writer)
        case .groupKeys(let group, let sender):
            writeKeys(of: group.rawValue, isGroup: true, from: sender, to: &writer)
        case .direct(let message):
            message.write(to: &writer)
        case .group(let message):
            writer.beginArray()
            for copy in message.copies { FastChatMessage(message.header, copy).write(to: &writer) }
            writer.endArray()
        case .emptyGroupMessage:
            writer.raw("[]")
        case .createGroup(let members, let sender):
            writer.beginObject()
            writer.member("dest", members.map { String($0.rawValue) }.joined(separator: ","))
            writeCommand("create_group", isGroup: true, from: sender, time: time, to: &writer)
        case .addToGroup(let group, let member, let sender):
            writer.beginObject()
            writer.member("group", group.rawValue)
            writer.member("dest", member.rawValue)
            writeCommand("add_to_group", isGroup: true, from: sender, time: time, to: &writer)
        case .removeFromGroup(let group, let member, let sender):
            writer.beginObject()
            writer.member("group", group.rawValue)
            writer.member("dest", member.rawValue)
            writeCommand("remove_from_group", isGroup: true, from: sender, time: time, to: &writer)
        case .logOut(let sender):
            writer.beginObject()
            writer.member("dest", "server")
            writeCommand("close", isGroup: false, from: sender, time: time, to: &writer)
        }
        return writer.bytes
    }

    private func writeKeys(
        of number: Int64, isGroup: Bool, from sender: FastChatUserNumber, to writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.member("type", "keys")
        writer.member("dest", "server")
        writer.member("from", sender.rawValue)
        writer.member("message", number)
        writer.member("isgroup", isGroup ? 1 : Int64(0))
        writer.member("response", Int64(0))
        writer.endObject()
    }

    private func writeCommand(
        _ command: String, isGroup: Bool, from sender: FastChatUserNumber, time: String, to writer: inout JSONWriter
    ) {
        writer.member("type", "msg")
        writer.member("time", time)
        writer.member("from", sender.rawValue)
        writer.member("message", command)
        writer.member("isgroup", isGroup ? 1 : Int64(0))
        writer.member("response", Int64(0))
        writer.endObject()
    }
}
