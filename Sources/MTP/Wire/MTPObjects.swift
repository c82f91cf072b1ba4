// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A flow as it stands in `data.flow`.
///
/// Members that are `nil` are absent; `null` is read as absent.
package struct FlowObject: Sendable, Equatable {
    package var uuid: MTPIdentifier?
    /// When the flow was made, in Unix seconds.
    package var time: Int64?
    /// `chat`, `group` or `channel`; any text in a request.
    package var type: String?
    package var title: String?
    package var info: String?
    /// The uuid of the owner.
    package var owner: MTPIdentifier?
    /// The uuids of the members.
    package var users: [MTPIdentifier]?
    /// The first number of a range of messages, counted from 0.
    package var messageStart: Int64?
    /// The end of a range, not included; in answers the number of messages.
    package var messageEnd: Int64?

    package init(
        uuid: MTPIdentifier? = nil, time: Int64? = nil, type: String? = nil, title: String? = nil, info: String? = nil,
        owner: MTPIdentifier? = nil, users: [MTPIdentifier]? = nil, messageStart: Int64? = nil, messageEnd: Int64? = nil
    ) {
        self.uuid = uuid
        self.time = time
        self.type = type
        self.title = title
        self.info = info
        self.owner = owner
        self.users = users
        self.messageStart = messageStart
        self.messageEnd = messageEnd
    }
}

/// A message as it stands in `data.message`.
///
/// Texts that may be long are not copied when a frame is decoded.
package struct MessageObject: Sendable, Equatable {
    package var uuid: MTPIdentifier?
    /// The client's own number, returned as it came.
    package var clientID: Int64?
    package var text: JSONText?
    /// The uuid of the author.
    package var fromUser: MTPIdentifier?
    /// The uuid of the flow.
    package var fromFlow: MTPIdentifier?
    /// When it was written, in Unix seconds.
    package var time: Int64?
    /// Kept and returned byte for byte, like the other files and `emoji`.
    package var filePicture: JSONText?
    package var fileVideo: JSONText?
    package var fileAudio: JSONText?
    package var fileDocument: JSONText?
    package var emoji: JSONText?
    /// When it was last edited, in Unix seconds.
    package var editedTime: Int64?
    package var editedStatus: Bool?

    package init(
        uuid: MTPIdentifier? = nil, clientID: Int64? = nil, text: JSONText? = nil, fromUser: MTPIdentifier? = nil,
        fromFlow: MTPIdentifier? = nil, time: Int64? = nil, filePicture: JSONText? = nil, fileVideo: JSONText? = nil,
        fileAudio: JSONText? = nil, fileDocument: JSONText? = nil, emoji: JSONText? = nil, editedTime: Int64? = nil,
        editedStatus: Bool? = nil
    ) {
        self.uuid = uuid
        self.clientID = clientID
        self.text = text
        self.fromUser = fromUser
        self.fromFlow = fromFlow
        self.time = time
        self.filePicture = filePicture
        self.fileVideo = fileVideo
        self.fileAudio = fileAudio
        self.fileDocument = fileDocument
        self.emoji = emoji
        self.editedTime = editedTime
        self.editedStatus = editedStatus
    }
}

/// A user as it stands in `data.user`.
package struct UserObject: Sendable, Equatable {
    package var uuid: MTPIdentifier?
    package var login: String?
    package var username: String?
    package var bio: String?
    /// Kept and returned byte for byte.
    package var avatar: JSONText?
    /// Only in requests: no answer is ever encoded with it.
    package var password: String?
    package var isBot: Bool?
    /// The token of a session.
    package var authID: JSONText?
    /// How long `authID` stays valid, in seconds.
    package var tokenTTL: Int64?
    package var email: String?
    /// When the account was made, in Unix seconds.
    package var timeCreated: Int64?
    /// Whether the account has a device connected; in answers to those who ask for it.
    package var isOnline: Bool?

    package init(
        uuid: MTPIdentifier? = nil, login: String? = nil, username: String? = nil, bio: String? = nil,
        avatar: JSONText? = nil, password: String? = nil, isBot: Bool? = nil, authID: JSONText? = nil,
        tokenTTL: Int64? = nil, email: String? = nil, timeCreated: Int64? = nil
    ) {
        self.uuid = uuid
        self.login = login
        self.username = username
        self.bio = bio
        self.avatar = avatar
        self.password = password
        self.isBot = isBot
        self.authID = authID
        self.tokenTTL = tokenTTL
        self.email = email
        self.timeCreated = timeCreated
    }
}

/// The member `data` of a request or an answer.
///
/// A list that is `nil` is absent.
package struct MTPData: Sendable, Equatable {
    /// Unix seconds.
    package var time: Int64?
    package var flow: [FlowObject]?
    package var message: [MessageObject]?
    package var user: [UserObject]?

    package init(
        time: Int64? = nil, flow: [FlowObject]? = nil, message: [MessageObject]? = nil, user: [UserObject]? = nil
    ) {
        self.time = time
        self.flow = flow
        self.message = message
        self.user = user
    }
}

/// The member `meta` of a request or an answer, where it is an object.
package struct MTPMeta: Sendable, Equatable {
    /// In a request: push from now on.
    ///
    /// In a frame from the server: this is a push.
    package var push: Bool?
    /// A cursor, as text.
    package var since: String?
    /// In a `register_user`: the code of an invitation.
    package var invite: String?
    /// In a `user_info`: the answer says who is online.
    package var presence: Bool?
    /// In a `ping_pong`: the session ends with the answer.
    package var endSession: Bool?
    /// In a push: a sentence of the operator for people.
    package var notice: String?

    package init(
        push: Bool? = nil, since: String? = nil, invite: String? = nil, presence: Bool? = nil, endSession: Bool? = nil,
        notice: String? = nil
    ) {
        self.push = push
        self.since = since
        self.invite = invite
        self.presence = presence
        self.endSession = endSession
        self.notice = notice
    }
}
