// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ExactText
package import JSON

/// What all copies of a message have in common.
package struct FastChatHeader: Equatable, Sendable {
    /// What was encrypted.
    package enum Kind: String, Sendable, CaseIterable {
        case text = "msg"
        /// The base64 text of a file.
        case image = "img"
    }

    /// A member that the protocol does not name; passed on.
    package struct Member: Equatable, Sendable {
        package var name: String
        /// The value as JSON.
        package var json: [UInt8]

        package init(name: String, json: [UInt8]) {
            self.name = name
            self.json = json
        }
    }

    package var kind: Kind
    package var sender: FastChatUserNumber
    /// `nil` for a direct message.
    package var group: FastChatGroupNumber?
    /// As the sender wrote it, as text if it was a number; empty if there was none.
    package var time: String
    /// As the sender wrote it; the protocol gives it no meaning in messages.
    package var response: Int64
    /// Further members, in the sender's order.
    package var others: [Member]

    package init(
        kind: Kind, sender: FastChatUserNumber, group: FastChatGroupNumber? = nil, time: String, response: Int64 = 0,
        others: [Member] = []
    ) {
        self.kind = kind
        self.sender = sender
        self.group = group
        self.time = time
        self.response = response
        self.others = others
    }

    /// Writes the members that the log keeps beside the event's own sender and flow: `type`, `time`, `response`,
    /// others.
    ///
    /// - Parameter writer: Inside an object that has no further members, unless they are called `dest`, `from`,
    ///   `group`, `message`, `isgroup` or `key`: all other names may be the sender's.
    package func writeKeptMembers(to writer: inout JSONWriter) {
        writer.member("type", kind.rawValue)
        writer.member("time", time)
        if response != 0 { writer.member("response", response) }
        for other in others {
            writer.key(escaping: other.name)
            writer.raw(other.json)
        }
    }

    /// Reads what `writeKeptMembers` wrote, or `nil` if it is something else.
    package init?(kept object: JSONValue, sender: FastChatUserNumber, group: FastChatGroupNumber?) {
        guard let kind = object["type"]?.string.flatMap(Kind.init(word:)), let time = object["time"]?.string else {
            return nil
        }
        self.init(
            kind: kind, sender: sender, group: group, time: time, response: object["response"]?.int ?? 0,
            others: Self.others(of: object))
    }

    /// The members of `object` that the protocol does not name.
    static func others(of object: JSONValue) -> [Member] {
        guard let members = object.members else { return [] }
        return members.compactMap { name, value in
            switch name {
            case "type", "time", "dest", "from", "message", "isgroup", "response", "key", "group": return nil
            default:
                var writer = JSONWriter(capacity: 32)
                writer.value(value)
                return Member(name: name.string, json: writer.bytes)
            }
        }
    }
}

/// What one recipient gets of a message.
package struct FastChatCopy: Equatable, Sendable {
    package var recipient: FastChatUserNumber
    /// Base64 of IV and ciphertext, never touched.
    package var body: JSONText
    /// Base64 of the secret, encrypted for the recipient; never touched.
    package var key: JSONText

    package init(recipient: FastChatUserNumber, body: JSONText, key: JSONText) {
        self.recipient = recipient
        self.body = body
        self.key = key
    }
}

/// A message to one person, or one member's copy of a message to a group.
package struct FastChatMessage: Equatable, Sendable {
    package var header: FastChatHeader
    package var copy: FastChatCopy

    package init(_ header: FastChatHeader, _ copy: FastChatCopy) {
        self.header = header
        self.copy = copy
    }

    /// The object as a recipient reads it.
    package func encoded() -> [UInt8] {
        var writer = JSONWriter(capacity: copy.body.utf8Count + copy.key.utf8Count + 192)
        write(to: &writer)
        return writer.bytes
    }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("type", header.kind.rawValue)
        writer.member("time", header.time)
        writer.member("dest", copy.recipient.rawValue)
        writer.member("group", header.group?.rawValue)
        writer.member("from", header.sender.rawValue)
        writer.member("message", copy.body)
        writer.member("isgroup", header.group == nil ? 0 : Int64(1))
        writer.member("response", header.response)
        writer.member("key", copy.key)
        for other in header.others {
            writer.key(escaping: other.name)
            writer.raw(other.json)
        }
        writer.endObject()
    }
}

/// A message to a group: one event, with a copy for each recipient.
package struct FastChatGroupMessage: Equatable, Sendable {
    /// Its `group` is the one that all objects named.
    package var header: FastChatHeader
    package var group: FastChatGroupNumber
    /// One or more, no recipient twice.
    package var copies: [FastChatCopy]

    /// - Parameters:
    ///   - header: Gets `group` as its group.
    ///   - group: Where it is written.
    ///   - copies: One or more, no recipient twice.
    package init(_ header: FastChatHeader, to group: FastChatGroupNumber, copies: [FastChatCopy]) {
        self.header = header
        self.header.group = group
        self.group = group
        self.copies = copies
    }
}
