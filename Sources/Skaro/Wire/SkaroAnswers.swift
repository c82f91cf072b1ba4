// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import CBOR

/// Who may make an account: the field `register_type` of the answer of that name.
package enum SkaroRegisterType: String, CaseIterable, Sendable {
    case open
    case invite
    case closed
}

/// The answer to one request.
package struct SkaroResponse: Equatable, Sendable {
    /// What an answer brings beside its status.
    package enum Content: Equatable, Sendable {
        /// Refused: the sentence in `info`.
        case refused(String)
        /// To `register_type`.
        case registerType(SkaroRegisterType)
        /// To `authorize` and `session_restore`: a client that has the id can restore the session.
        case session(id: String, user: SkaroUser)
        /// In `user`, all that the user may see of themselves: to `register` and `update_my_data`, and to
        /// `get_user_data` for one's own login.
        case ownUser(SkaroUser)
        /// In `user`: to `get_user_data`.
        case user(SkaroUser)
        /// In `data`: to `add_contact` and `del_contact`.
        case contact(SkaroUser)
        /// A list in `data`: to `get_contacts` and `search_contacts`.
        case contacts([SkaroUser])
        /// To `get_history`, oldest first.
        case history([SkaroMessage])
        /// In `data`: to `send_message`, as it is stored.
        case message(SkaroMessage)
    }

    /// The request's `type`, as it came.
    package var type: String
    /// The request's `on_request`, as it came.
    package var id: CBORValue
    package var status: SkaroStatus
    package var content: Content

    /// The answer 200.
    package init(to request: SkaroRequest, _ content: Content) {
        type = request.type
        id = request.id
        status = .ok
        self.content = content
    }

    /// The answer to a request that was not done.
    package init(to request: SkaroRequest, refused refusal: SkaroRefusal) {
        type = request.type
        id = request.id
        status = refusal.status
        content = .refused(refusal.info)
    }

    /// The answer as one binary message.
    package func encoded() -> [UInt8] {
        var writer = CBORWriter()
        write(to: &writer)
        return writer.bytes
    }

    /// The answer as one map.
    package func write(to writer: inout CBORWriter) {
        writer.map { writer in
            writer.member("type", "request")
            writer.member("for", type)
            writer.member("id", id)
            writer.key("status")
            writer.text(status.text)
            switch content {
            case .refused(let info): writer.member("info", info)
            case .registerType(let type): writer.member("register_type", type.rawValue)
            case .session(let id, let user):
                writer.member("session_id", id)
                writer.key("user")
                user.write(to: &writer, for: .themselves)
            case .ownUser(let user):
                writer.key("user")
                user.write(to: &writer, for: .themselves)
            case .user(let user):
                writer.key("user")
                user.write(to: &writer, for: .others)
            case .contact(let user):
                writer.key("data")
                user.write(to: &writer, for: .others)
            case .contacts(let users):
                writer.key("data")
                writer.array(users) { $1.write(to: &$0, for: .others) }
            case .history(let messages):
                writer.key("history")
                writer.array(messages) { $1.write(to: &$0) }
            case .message(let message):
                writer.key("data")
                message.write(to: &writer)
            }
        }
    }
}

/// A frame that the server sends unasked.
package enum SkaroPush: Equatable, Sendable {
    /// The first frame of every connection, with the text that a login must sign.
    case checkConnection(token: String)
    /// A new message for this user, or from another device of theirs.
    case showMessage(SkaroMessage)
    /// A contact of the user changed, came or went.
    case changedUserData(SkaroUser)
    /// A sentence for a person.
    case info(String)
    /// A sentence about something that went wrong.
    case error(String)

    /// The push as one binary message, the same for every recipient.
    package func encoded() -> [UInt8] {
        var writer = CBORWriter()
        write(to: &writer)
        return writer.bytes
    }

    package func write(to writer: inout CBORWriter) {
        writer.map { writer in
            switch self {
            case .checkConnection(let token):
                writer.member("type", "check_connection")
                writer.member("token", token)
            case .showMessage(let message):
                writer.member("type", "show_message")
                message.writeMembers(to: &writer)
            case .changedUserData(let user):
                writer.member("type", "changed_user_data")
                writer.key("user")
                user.write(to: &writer, for: .others)
            case .info(let info):
                writer.member("type", "info")
                writer.member("info", info)
            case .error(let info):
                writer.member("type", "error")
                writer.member("info", info)
            }
        }
    }
}

/// Answers are printed without their contents: a session's id is a secret.
extension SkaroResponse: CustomStringConvertible {
    package var description: String { "\(status.text)" }
}

/// Pushes are printed without their contents.
extension SkaroPush: CustomStringConvertible {
    package var description: String {
        switch self {
        case .checkConnection: "check_connection"
        case .showMessage: "show_message"
        case .changedUserData: "changed_user_data"
        case .info: "info"
        case .error: "error"
        }
    }
}
