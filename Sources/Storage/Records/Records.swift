// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// An account.
///
/// The reference model's `user` without a plaintext password; its tokens are sessions.
package struct UserRecord: Sendable, Equatable {
    package var id: UserID
    package var uuid: Identifier
    /// As typed.
    ///
    /// Unique by `loginKey`.
    package var login: String
    package var loginKey: String
    package var username: String
    /// Argon2id in PHC form, or the older keyed BLAKE2b.
    package var passwordHash: String
    package var isBot: Bool
    /// Not shown in lists and updates; such as the health check's bot.
    package var isHidden: Bool
    package var email: String
    package var avatar: String
    package var bio: String
    package var created: Timestamp
    package var deleted: Timestamp?
    /// The number by which FastChat clients know the account: its login if that is a number below 1,000,000,000, else
    /// 1,000,000,000 and the row number.
    package var publicNumber: Int64
    /// What skaro's challenge needs, sealed under a key outside the database; `nil` if the password was not seen since.
    package var challengeSecret: [UInt8]?

    /// What a deleted account is called.
    package static let deletedName = "User deleted"
}

/// A conversation.
package struct FlowRecord: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable { case chat, group, channel }

    package var id: FlowID
    package var uuid: Identifier
    package var kind: Kind
    package var title: String
    package var info: String
    package var owner: UserID
    package var ownerUUID: Identifier
    /// Every account reads it and, in a group, writes.
    package var isPublic: Bool
    package var created: Timestamp
    /// Events so far; the next one's `seq`.
    package var eventCount: Int64
    /// Messages so far, deleted ones included; the next one's `number`.
    package var messageCount: Int64
    package var head: Position
    /// The server opened an encrypted message of it for others: the flow is no longer end-to-end.
    package var isBridged: Bool
}

/// A current member of a flow.
package struct MemberRecord: Sendable, Equatable {
    package var user: UserID
    package var uuid: Identifier
    package var login: String
}

/// A message as it stands now: edits and deletion applied.
package struct MessageRecord: Sendable, Equatable {
    package var position: Position
    package var flow: FlowID
    package var flowUUID: Identifier
    package var number: Int64
    package var uuid: Identifier
    package var sender: UserID
    package var senderUUID: Identifier
    package var time: Timestamp
    /// What the sender wrote: bytes of a JSON object.
    ///
    /// `{}` when deleted.
    package var content: [UInt8]
    /// Attachments that are kept outside `content`, by name.
    package var blobs: [String: [UInt8]]
    package var change: Change?
    /// What was encrypted for the reader alone, if the read was for one and there is something.
    package var body: MessageBody?

    package enum Change: Sendable, Equatable {
        /// The newest edit's content.
        case edited(Timestamp, content: [UInt8])
        case deleted(Timestamp)
    }
}

/// A login of one device.
///
/// Tokens are stored only as hashes.
package struct SessionRecord: Sendable, Equatable {
    package var id: SessionID
    package var user: UserID
    package var `protocol`: String
    package var address: String
    package var created: Timestamp
    package var lastSeen: Timestamp
    package var expires: Timestamp
    package var revoked: Timestamp?
    /// Where it is connected or was last.
    package var node: NodeID
    /// What the client calls itself; empty if it does not say.
    package var device: String
}

/// An administrator of the server.
package struct AdminRecord: Sendable, Equatable {
    package var username: String
    package var passwordHash: String
    package var created: Timestamp
    /// The account that came with it, as long as it is there.
    package var user: UserID?
    /// The secret of the second factor, sealed under a key outside the database; `nil` without one.
    package var totpSecret: [UInt8]?
}

/// One entry of the log.
package struct LogEvent: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case message, edit, deletion
        /// A flow was created or its title or info changed.
        case flow
        case join, leave
        /// An account was created, changed or deleted.
        case user
        /// Sessions of an account were opened or revoked.
        case session
        /// An account's list of contacts changed; the content names the contact and whether it was added.
        case contact
        /// An account published a key. Logs of earlier versions have it; today a key comes with its account.
        case key
        /// A change of the administrators; with a subject, of that account's limits.
        case admin
        /// A change of the invites.
        case invite
    }

    /// The content of a `session` event that only opened one: nothing that is known about the account became untrue.
    package static let sessionOpened = Array(#"{"opened":true}"#.utf8)
    /// The content of a `session` event that ended the sessions of its account with these numbers.
    package static func sessionsEnded(_ numbers: ClosedRange<Int64>) -> [UInt8] {
        Array("{\"what\":\"ended\",\"first\":\(numbers.lowerBound),\"last\":\(numbers.upperBound)}".utf8)
    }

    /// The content of a flow event by which the server began to open encrypted messages for others.
    package static let flowBridged = Array(#"{"bridged":true}"#.utf8)

    /// The content of an event that is only about what happened to its account or flow: one word for operators.
    package static func what(_ word: StaticString) -> [UInt8] { Array("{\"what\":\"\(word)\"}".utf8) }

    /// Whether it was read from the log after a deletion had overwritten what it said.
    package var isErased: Bool { kind == .message && content == LogTransaction.emptyObject }

    package var position: Position
    package var time: Timestamp
    package var uuid: Identifier
    package var kind: Kind
    package var flow: FlowID?
    package var seq: Int64?
    package var number: Int64?
    package var sender: UserID?
    /// Whom or what the event is about: the member's user id of a join, the user id of a `user`, `session`, `contact`
    /// or `key` event.
    package var subject: Int64?
    package var content: [UInt8]
    /// The message that an edit or deletion changes; a deletion of several names them in its content.
    package var replaces: Position?
    /// The name of the protocol by which it came, if it came by one.
    package var `protocol`: String? = nil
}

/// Numbers of the home page and `db status`.
package struct StorageCounts: Sendable, Equatable {
    package var users: Int64
    package var flows: Int64
    package var messages: Int64
}
