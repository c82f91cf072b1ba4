// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// One change, applied whole or not at all, with its place in the log.
package struct Write: Sendable {
    /// The uuid of its event: by it a write whose COMMIT had no answer is found again.
    package var uuid: Identifier
    /// Who does it; `nil` for the operator of the server.
    package var author: UserID?
    package var action: Action

    package init(uuid: Identifier, author: UserID?, action: Action) {
        self.uuid = uuid
        self.author = author
        self.action = action
    }

    package enum Action: Sendable {
        /// `content` is the bytes of a JSON object.
        case sendMessage(flow: FlowID, content: [UInt8], blobs: [NewBlob])
        case editMessage(flow: FlowID, message: Position, content: [UInt8])
        case deleteMessage(flow: FlowID, message: Position)
        /// An account, and in the same transaction its first session and an admin row.
        case createUser(NewUser, session: NewSession?, admin: NewAdmin?)
        case updateUser(UserID, UserChanges)
        /// Also revokes every session but `keeping`.
        case setPassword(UserID, hash: String, keeping: SessionID?)
        /// The same password in another form, after a log in: sessions stay.
        ///
        /// Nothing happens if the stored hash is no longer `replacing`: the password was changed meanwhile.
        case upgradePasswordHash(UserID, hash: String, replacing: String? = nil)
        case deleteUser(UserID)
        case openSession(UserID, NewSession)
        /// `nil`: all of them.
        case revokeSessions(UserID, SessionID?)
        case createFlow(NewFlow)
        case updateFlow(FlowID, title: String?, info: String?)
        case deleteFlow(FlowID)
        case addMember(FlowID, UserID)
        case removeMember(FlowID, UserID)
        case createAdmin(NewAdmin)
        case deleteAdmin(username: String)
    }
}

/// An attachment kept once by its content.
///
/// Up to `Blobs.maximumInBatchBytes` it is written in the message's batch.
package struct NewBlob: Sendable {
    /// Its place in the message, such as `file_picture`.
    package var name: String
    package var sha256: [UInt8]
    /// `nil` when it is already stored.
    package var bytes: [UInt8]?

    package init(name: String, sha256: [UInt8], bytes: [UInt8]?) {
        self.name = name
        self.sha256 = sha256
        self.bytes = bytes
    }
}

package struct NewUser: Sendable {
    package var uuid: Identifier
    package var login: String
    package var loginKey: String
    package var username: String
    package var passwordHash: String
    package var isBot: Bool
    package var isHidden: Bool
    package var email: String
    package var avatar: String
    package var bio: String

    package init(
        uuid: Identifier, login: String, loginKey: String, username: String, passwordHash: String, isBot: Bool = false,
        isHidden: Bool = false, email: String = "", avatar: String = "", bio: String = ""
    ) {
        self.uuid = uuid
        self.login = login
        self.loginKey = loginKey
        self.username = username
        self.passwordHash = passwordHash
        self.isBot = isBot
        self.isHidden = isHidden
        self.email = email
        self.avatar = avatar
        self.bio = bio
    }
}

/// What to change of an account; `nil` leaves a field as it is.
package struct UserChanges: Sendable {
    package var login: (text: String, key: String)?
    package var username: String?
    package var email: String?
    package var avatar: String?
    package var bio: String?
    package var isBot: Bool?

    package init(
        login: (text: String, key: String)? = nil, username: String? = nil, email: String? = nil,
        avatar: String? = nil, bio: String? = nil, isBot: Bool? = nil
    ) {
        self.login = login
        self.username = username
        self.email = email
        self.avatar = avatar
        self.bio = bio
        self.isBot = isBot
    }
}

package struct NewSession: Sendable {
    /// 32 bytes.
    package var tokenHash: [UInt8]
    package var `protocol`: String
    package var address: String
    package var lifetimeSeconds: Int64

    package init(tokenHash: [UInt8], protocol: String, address: String, lifetimeSeconds: Int64) {
        self.tokenHash = tokenHash
        self.protocol = `protocol`
        self.address = address
        self.lifetimeSeconds = lifetimeSeconds
    }
}

package struct NewAdmin: Sendable {
    package var username: String
    package var passwordHash: String

    package init(username: String, passwordHash: String) {
        self.username = username
        self.passwordHash = passwordHash
    }
}

package struct NewFlow: Sendable {
    package var uuid: Identifier
    package var kind: FlowRecord.Kind
    package var title: String
    package var info: String
    package var owner: UserID
    package var isPublic: Bool
    /// The members of a private flow, the owner among them; both people of a chat.
    ///
    /// Empty for a public one.
    package var members: [UserID]

    package init(
        uuid: Identifier, kind: FlowRecord.Kind, title: String, info: String, owner: UserID, isPublic: Bool,
        members: [UserID]
    ) {
        self.uuid = uuid
        self.kind = kind
        self.title = title
        self.info = info
        self.owner = owner
        self.isPublic = isPublic
        self.members = members
    }
}

/// Why a write was refused although the database is well.
///
/// The rest of its batch is not touched.
package enum WriteRefusal: Error, Sendable, Equatable {
    case loginTaken
    case adminExists
    case noSuchAdmin
    case noSuchUser
    case noSuchFlow
    case noSuchMessage
    case noSuchSession
    /// The author is no member, or no longer one.
    case notMember
    /// A channel's member, not its owner.
    case mayNotWrite
    /// Somebody else's message.
    case notAuthor
    /// The account was deleted.
    case accountDeleted
    /// A public flow has no list of members, a chat always has its two, and an owner stays.
    case membershipFixed
    /// Already deleted: cannot be edited.
    case messageDeleted
}

/// Where a write stands in the log.
package struct Receipt: Sendable, Equatable {
    package var position: Position
    package var time: LogTime
    /// The row made by it: user, flow or session.
    package var row: Int64?
    /// The number of the message in its flow.
    package var number: Int64?
    /// The second row: the session opened with an account.
    package var sessionRow: Int64?
    /// It was so before, and nothing was done; for a chat of two people `row` is the one there was.
    package var existed: Bool

    package init(
        position: Position, time: LogTime, row: Int64? = nil, number: Int64? = nil, sessionRow: Int64? = nil,
        existed: Bool = false
    ) {
        self.position = position
        self.time = time
        self.row = row
        self.number = number
        self.sessionRow = sessionRow
        self.existed = existed
    }
}

/// What became of one write of a batch.
package enum WriteOutcome: Sendable {
    case done(Receipt)
    case refused(WriteRefusal)
    case failed(StorageError)
}

/// What a committed batch did.
package struct CommittedBatch: Sendable {
    /// One for each write, in order.
    package var outcomes: [WriteOutcome]
    /// The events in the order of their positions.
    package var events: [LogEvent]
}
