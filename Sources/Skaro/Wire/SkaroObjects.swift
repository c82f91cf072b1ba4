// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR

/// A user as a client is told of them.
package struct SkaroUser: Equatable, Sendable {
    package var login: String
    /// The name shown to people.
    package var name: String
    /// The user's uuid.
    package var id: String
    /// Corresponds to `status`: `online` or `offline`.
    package var isOnline: Bool
    package var bio: String?
    /// Written only where the user is the one who asks.
    package var email: String?
    /// Kept and returned as it came.
    package var avatar: String?

    package init(
        login: String, name: String, id: String, isOnline: Bool, bio: String? = nil, email: String? = nil,
        avatar: String? = nil
    ) {
        self.login = login
        self.name = name
        self.id = id
        self.isOnline = isOnline
        self.bio = bio
        self.email = email
        self.avatar = avatar
    }
}

/// A message as a client is told of it.
package struct SkaroMessage: Equatable, Sendable {
    /// The message's uuid.
    package var id: String
    /// The login of the author.
    package var from: String
    /// The login of the other side; in groups and channels the uuid of the flow.
    package var to: String
    /// In groups and channels the uuid of the flow: corresponds to `from.in_conference`.
    package var flow: String?
    package var body: String
    /// When it was sent, in Unix seconds.
    package var time: Int64

    /// A message between two people.
    package init(id: String, from: String, to: String, body: String, time: Int64) {
        self.id = id
        self.from = from
        self.to = to
        self.body = body
        self.time = time
    }

    /// A message in a group or channel.
    package init(id: String, from: String, inFlow flow: String, body: String, time: Int64) {
        self.id = id
        self.from = from
        self.to = flow
        self.flow = flow
        self.body = body
        self.time = time
    }
}

/// Who reads about a user.
///
/// It decides about private fields.
enum SkaroReader {
    case themselves, others
}

extension SkaroUser {
    func write(to writer: inout CBORWriter, for reader: SkaroReader) {
        writer.map { writer in
            writer.member("login", login)
            writer.member("name", name)
            writer.member("id", id)
            writer.key("status")
            writer.text((isOnline ? "online" : "offline") as StaticString)
            writer.member("bio", bio)
            writer.member("email", reader == .themselves ? email : nil)
            writer.member("avatar", avatar)
        }
    }
}

extension SkaroMessage {
    /// The keys and values of the message, into an open map.
    func writeMembers(to writer: inout CBORWriter) {
        writer.key("from")
        writer.map { writer in
            writer.member("login", from)
            writer.member("in_conference", flow)
        }
        writer.member("to", to)
        writer.member("body", body)
        writer.member("id", id)
        writer.member("time", time)
    }

    func write(to writer: inout CBORWriter) {
        writer.map { writeMembers(to: &$0) }
    }
}
