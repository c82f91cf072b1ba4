// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The requests of the protocol; the raw value is their `type`.
package enum SkaroMethod: String, CaseIterable, Sendable {
    case registerType = "register_type"
    case register
    case authorize
    case sessionRestore = "session_restore"
    case getContacts = "get_contacts"
    case addContact = "add_contact"
    case deleteContact = "del_contact"
    case searchContacts = "search_contacts"
    case getUserData = "get_user_data"
    case updateMyData = "update_my_data"
    case getHistory = "get_history"
    case sendMessage = "send_message"

    /// Whether a connection must have logged in before.
    package var needsAuthorization: Bool {
        switch self {
        case .registerType, .register, .authorize, .sessionRestore: false
        default: true
        }
    }
}

/// One request with its fields: everything that must be there is there and of the right type, nothing is checked for
/// sense.
package enum SkaroCall: Equatable, Sendable {
    case registerType
    case register(SkaroRegistration)
    /// `proof` is the field `password`: the HMAC of the connection's token, as hexadecimal text by custom.
    case authorize(login: String, proof: String)
    case sessionRestore(sid: String)
    case getContacts
    case addContact(login: String)
    case deleteContact(login: String)
    case searchContacts(query: String)
    case getUserData(login: String)
    case updateMyData(SkaroProfile)
    /// `dialog` is the field `login`: the other side's login, or the uuid of a flow.
    case getHistory(dialog: String, before: SkaroHistoryBound?, limit: Int?)
    /// `to` is a login, or the uuid of a flow.
    case sendMessage(to: String, body: String)

    /// What is asked.
    package var method: SkaroMethod {
        switch self {
        case .registerType: .registerType
        case .register: .register
        case .authorize: .authorize
        case .sessionRestore: .sessionRestore
        case .getContacts: .getContacts
        case .addContact: .addContact
        case .deleteContact: .deleteContact
        case .searchContacts: .searchContacts
        case .getUserData: .getUserData
        case .updateMyData: .updateMyData
        case .getHistory: .getHistory
        case .sendMessage: .sendMessage
        }
    }
}

/// What a new account is registered with.
package struct SkaroRegistration: Equatable, Sendable {
    package var login: String
    /// The password itself, not a proof of it.
    package var password: String
    package var name: String?
    package var email: String?
    /// The code of an invitation.
    package var invite: String?

    package init(login: String, password: String, name: String? = nil, email: String? = nil, invite: String? = nil) {
        self.login = login
        self.password = password
        self.name = name
        self.email = email
        self.invite = invite
    }
}

/// The data of one's own that is to change; `nil` stays as it is, an empty text empties it.
package struct SkaroProfile: Equatable, Sendable {
    package var name: String?
    package var bio: String?
    package var email: String?
    /// Kept and returned as it came.
    package var avatar: String?

    package init(name: String? = nil, bio: String? = nil, email: String? = nil, avatar: String? = nil) {
        self.name = name
        self.bio = bio
        self.email = email
        self.avatar = avatar
    }
}

/// Where a page of history ends; what it names is not in it.
package enum SkaroHistoryBound: Equatable, Sendable {
    /// The `id` of a message.
    case message(String)
    /// Unix seconds: everything earlier than this second.
    case time(Int64)
}

/// Calls are printed without their fields, among which are passwords and messages.
extension SkaroCall: CustomStringConvertible {
    package var description: String { method.rawValue }
}

extension SkaroRegistration: CustomStringConvertible {
    package var description: String { "a registration" }
}
