// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// One change, applied whole or not at all, with its place in the log.
package struct Write: Sendable {
    /// The uuid of its event: by it a write whose COMMIT had no answer is found again.
    package var uuid: Identifier
    /// Who does it; `nil` for the operator of the server.
    package var author: UserID?
    /// The name of the protocol by which it came; `nil` for the operator's.
    package var `protocol`: String?
    package var action: Action
    /// What the audit is to say of it, in the same transaction; not for messages.
    ///
    /// There is no record of a write that is refused or finds everything as it should become.
    package var audit: AuditNote?

    package init(
        uuid: Identifier, author: UserID?, protocol: String? = nil, action: Action, audit: AuditNote? = nil
    ) {
        self.uuid = uuid
        self.author = author
        self.protocol = `protocol`
        self.action = action
        self.audit = audit
    }

    /// What is large and rare is `indirect`, so that a message is not as large as a new account.
    package enum Action: Sendable {
        /// `content` is the bytes of a JSON object.
        ///
        /// Of `bodies` those are kept whose recipient sees the flow, the first for each.
        case sendMessage(flow: FlowID, content: [UInt8], blobs: [NewBlob], bodies: [NewBody] = [])
        /// `content` takes the place of what the message said before.
        ///
        /// Each of `blobs` takes the place of the one with its name; an empty one says that there is none any more. Others stay.
        case editMessage(flow: FlowID, message: Position, content: [UInt8], blobs: [NewBlob] = [])
        case deleteMessage(flow: FlowID, message: Position)
        /// Messages of another server, with the times that they had there.
        ///
        /// Nobody's rights are asked: who wrote one may have left since.
        case importMessages([ImportedMessage])
        /// An account, and in the same transaction its first session and an admin row.
        ///
        /// With `invite`, the hash of a code, it also takes one use of that invite.
        indirect case createUser(NewUser, session: NewSession?, admin: NewAdmin?, invite: [UInt8]? = nil)
        indirect case updateUser(UserID, UserChanges)
        /// Also revokes every session but `keeping`.
        ///
        /// `challengeSecret` takes the place of the old password's, also if it is `nil`.
        indirect case setPassword(UserID, hash: String, keeping: SessionID?, challengeSecret: [UInt8]? = nil)
        /// The same password in another form, after a login: sessions stay.
        ///
        /// Nothing happens if the stored hash is no longer `replacing`: the password was changed meanwhile.
        /// Without a `challengeSecret` the stored one stays.
        indirect case upgradePasswordHash(
            UserID, hash: String, replacing: String? = nil, challengeSecret: [UInt8]? = nil)
        /// What skaro's challenge needs, for a password that was seen to be right against the hash `verified`.
        ///
        /// Nothing happens if the stored hash is another one by now.
        indirect case setChallengeSecret(UserID, [UInt8], verified: String? = nil)
        case deleteUser(UserID)
        /// `verified` is the password hash that the login was checked against: refused if it is another one by now.
        indirect case openSession(UserID, NewSession, verified: String? = nil)
        /// `nil`: all of them.
        case revokeSessions(UserID, SessionID?)
        indirect case createFlow(NewFlow)
        /// `nil` leaves a field as it is.
        ///
        /// A group may become a channel and the reverse; a new owner of a private flow is a member of it already. A chat keeps both.
        indirect case updateFlow(
            FlowID, title: String?, info: String?, kind: FlowRecord.Kind? = nil, owner: UserID? = nil)
        case deleteFlow(FlowID)
        case addMember(FlowID, UserID)
        case removeMember(FlowID, UserID)
        /// The server opened an encrypted message of the flow for others.
        case markBridged(FlowID)
        /// Puts the second account into the list of the first.
        case addContact(UserID, UserID)
        case removeContact(UserID, UserID)
        /// Publishes a key, in place of the one of that device and kind.
        indirect case putKey(UserID, device: String, kind: String, publicKey: String)
        /// Limits of an account's own, in the text form of the domain; `nil` for none.
        case setLimits(UserID, String?)
        indirect case createInvite(NewInvite)
        /// By the hash of its code.
        case revokeInvite([UInt8])
        indirect case createAdmin(NewAdmin)
        case deleteAdmin(username: String)
        /// The sealed secret of an administrator's second factor; `nil` for none.
        indirect case setTOTP(username: String, [UInt8]?)
        indirect case createAdminToken(NewAdminToken)
        /// By its hash.
        case revokeAdminToken([UInt8])
        /// Nothing but the record in the audit.
        case record
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

/// What of a message was encrypted for one recipient.
package struct NewBody: Sendable, Equatable {
    package var recipient: UserID
    package var body: [UInt8]
    package var key: [UInt8]

    package init(recipient: UserID, body: [UInt8], key: [UInt8]) {
        self.recipient = recipient
        self.body = body
        self.key = key
    }
}

/// A public key that an account is made with.
package struct NewKey: Sendable {
    /// Such as `fastchat`.
    package var kind: String
    /// The device that has the private half, where an account has several.
    package var device: String
    package var publicKey: String

    package init(kind: String, device: String = "", publicKey: String) {
        self.kind = kind
        self.device = device
        self.publicKey = publicKey
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
    /// What skaro's challenge needs, sealed.
    package var challengeSecret: [UInt8]?
    /// Written with the account, or neither is.
    package var key: NewKey?

    package init(
        uuid: Identifier, login: String, loginKey: String, username: String, passwordHash: String, isBot: Bool = false,
        isHidden: Bool = false, email: String = "", avatar: String = "", bio: String = "",
        challengeSecret: [UInt8]? = nil,
        key: NewKey? = nil
    ) {
        self.key = key
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
        self.challengeSecret = challengeSecret
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
    package var node: NodeID
    /// What the client calls itself.
    package var device: String
    /// Nobody can come back to it: it ends with its connection.
    package var endsWithConnection: Bool

    package init(
        tokenHash: [UInt8], protocol: String, address: String, lifetimeSeconds: Int64, node: NodeID = .unknown,
        device: String = "", endsWithConnection: Bool = false
    ) {
        self.tokenHash = tokenHash
        self.protocol = `protocol`
        self.address = address
        self.lifetimeSeconds = lifetimeSeconds
        self.node = node
        self.device = device
        self.endsWithConnection = endsWithConnection
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

package struct NewInvite: Sendable {
    /// 32 bytes.
    package var codeHash: [UInt8]
    /// How many accounts can be made with it.
    package var uses: Int64
    /// `nil`: never.
    package var expires: Timestamp?
    package var note: String

    package init(codeHash: [UInt8], uses: Int64 = 1, expires: Timestamp? = nil, note: String = "") {
        self.codeHash = codeHash
        self.uses = uses
        self.expires = expires
        self.note = note
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
    /// The row number that it had elsewhere: it gets this one if no flow here has had it or a higher one.
    package var row: Int64?
    /// When it was made elsewhere; `nil`: now.
    package var created: Timestamp?

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
    /// An administrator's token of that name is there and not revoked.
    case tokenNameTaken
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
    /// The password was changed between the check of the old one and the write.
    case passwordChanged
    /// No such invite, or it is used up, expired or revoked.
    case inviteInvalid
}

/// Where a write stands in the log.
package struct Receipt: Sendable, Equatable {
    package var position: Position
    package var time: Timestamp
    /// The row made by it: user, flow or session.
    package var row: Int64?
    /// The number of the message in its flow.
    package var number: Int64?
    /// The second row: the session opened with an account.
    package var sessionRow: Int64?
    /// It was so before, and nothing was done; for a chat of two people `row` is the one there was.
    package var existed: Bool

    package init(
        position: Position, time: Timestamp, row: Int64? = nil, number: Int64? = nil, sessionRow: Int64? = nil,
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
    /// How long it took, from the first statement until it was durable.
    package var duration = Duration.zero
}
