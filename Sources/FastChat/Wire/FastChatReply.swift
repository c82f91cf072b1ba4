// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON

/// The answer to `new` and `login`: written alone, not in an array.
package enum FastChatReply: Equatable, Sendable {
    case registered
    case userTaken
    case loggedIn
    case logInFailed
    /// A refusal that the source server did not know, such as closed registration; the text is for people.
    case refused(String)

    /// What the old client shows, and others compare word for word.
    package var message: String {
        switch self {
        case .registered: "Registered and Connected"
        case .userTaken: "User already present! Choose different username"
        case .loggedIn: "Succesful Login!"
        case .logInFailed: "Invalid Login! Authentication failed."
        case .refused(let message): message
        }
    }

    /// Whether the connection is closed after it: `response` 1.
    package var isFinal: Bool {
        switch self {
        case .registered, .loggedIn: false
        case .userTaken, .logInFailed, .refused: true
        }
    }

    /// The unit to write.
    package func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", "server reply")
        writer.member("server_message", message)
        writer.member("response", isFinal ? 1 : Int64(0))
        writer.endObject()
        return writer.bytes
    }
}

/// The answer to `keys`; goes into an array.
package struct FastChatKeysReply: Equatable, Sendable {
    /// One user's public key in PEM.
    package struct Key: Equatable, Sendable {
        package var user: FastChatUserNumber
        package var pem: String

        package init(user: FastChatUserNumber, pem: String) {
            self.user = user
            self.pem = pem
        }
    }

    /// `nil` for a group that the principal is no member of, and for a user who is unknown or has no key.
    package var keys: [Key]?
    package var isGroup: Bool

    /// - Parameters:
    ///   - keys: No user twice; `nil` is a refusal.
    ///   - isGroup: As it was asked.
    package init(_ keys: [Key]?, isGroup: Bool) {
        self.keys = keys
        self.isGroup = isGroup
    }

    /// The object for an array.
    package func encoded() -> [UInt8] {
        var writer = JSONWriter(capacity: 128 + (keys?.count ?? 0) * 512)
        writer.beginObject()
        writer.member("type", "keys")
        writer.member("from", "server")
        writer.key("message")
        if let keys {
            writer.beginObject()
            for key in keys {
                writer.key(escaping: String(key.user.rawValue))
                writer.string(key.pem)
            }
            writer.endObject()
        } else {
            writer.int(-1)
        }
        writer.member("isgroup", isGroup ? 1 : Int64(0))
        writer.member("response", Int64(0))
        writer.endObject()
        return writer.bytes
    }
}

/// Something that the server says to a person; goes into an array.
package struct FastChatNotice: Equatable, Sendable {
    package var text: String
    /// `nil` is written as 0: the old client needs the member.
    package var group: FastChatGroupNumber?

    package init(_ text: String, group: FastChatGroupNumber? = nil) {
        self.text = text
        self.group = group
    }

    package static func created(_ group: FastChatGroupNumber) -> FastChatNotice {
        FastChatNotice("You have successfully created the group: \(group.rawValue)", group: group)
    }

    package static func added(to group: FastChatGroupNumber, by admin: FastChatUserNumber) -> FastChatNotice {
        FastChatNotice("You have been added to group \(group.rawValue) by \(admin.rawValue)", group: group)
    }

    package static func removed(from group: FastChatGroupNumber, by admin: FastChatUserNumber) -> FastChatNotice {
        FastChatNotice("You have been removed from group \(group.rawValue) by \(admin.rawValue)", group: group)
    }

    /// What a refusal begins with.
    package static let refusalPrefix = "Request refused: "

    /// A request could not be read or done.
    package static func refused(_ detail: String, group: FastChatGroupNumber? = nil) -> FastChatNotice {
        FastChatNotice(refusalPrefix + detail, group: group)
    }

    /// The object for an array.
    package func encoded(for recipient: FastChatUserNumber, time: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", "msg")
        writer.member("from", "server")
        writer.member("group", group?.rawValue ?? 0)
        writer.member("dest", recipient.rawValue)
        writer.member("message", text)
        writer.member("time", time)
        writer.member("isgroup", Int64(1))
        writer.member("response", Int64(0))
        writer.endObject()
        return writer.bytes
    }
}

/// Why the membership of a group was not changed; the raw value is the result code of the source system's database.
package enum FastChatAddRefusal: Int, Error, Sendable, CaseIterable {
    /// Corresponds to code -1.
    case notAdmin = -1
    /// Corresponds to code -2.
    case alreadyMember = -2
    /// Corresponds to code -3.
    case noSuchGroup = -3
    /// Corresponds to code -4.
    case noSuchUser = -4

    /// A sentence for a notice.
    package var detail: String {
        switch self {
        case .notAdmin: "only the admin of the group may add members"
        case .alreadyMember: "that user is a member of the group already"
        case .noSuchGroup: "there is no such group"
        case .noSuchUser: "there is no such user"
        }
    }
}

/// Why no member was removed from a group; the raw value is the result code of the source system's database.
package enum FastChatRemoveRefusal: Int, Error, Sendable, CaseIterable {
    /// Corresponds to code -1.
    case notAdmin = -1
    /// Corresponds to code -2.
    case notMember = -2
    /// Corresponds to code -3.
    case noSuchGroup = -3

    /// A sentence for a notice.
    package var detail: String {
        switch self {
        case .notAdmin: "only the admin of the group may remove members"
        case .notMember: "that user is no member of the group"
        case .noSuchGroup: "there is no such group"
        }
    }
}
