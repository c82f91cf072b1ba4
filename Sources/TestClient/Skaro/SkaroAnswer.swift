// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import CBOR
package import Skaro

/// What a server answered to a request.
package struct SkaroAnswer: Sendable, Equatable {
    /// The request's `type`, as the server gave it back.
    package var type: String
    /// The code and phrase, such as `200 OK`.
    package var status: String
    /// The whole answer.
    package var value: CBORValue

    init?(_ value: CBORValue) {
        guard let type = value["for"]?.text, let status = value["status"]?.text else { return nil }
        self.type = type
        self.status = status
        self.value = value
    }

    /// The code: the first three characters of the status.
    package var code: Int { Int(status.prefix(3)) ?? 0 }
    /// Whether the code is 200.
    package var isSuccess: Bool { status.hasPrefix("200") }
    /// A sentence for a person, with a refusal.
    package var info: String? { value["info"]?.text }
    /// Who has the id can restore the session: a secret.
    package var sessionID: String? { value["session_id"]?.text }
    /// What the server says about registration: `open`, `invite` or `closed`.
    package var registerType: String? { value["register_type"]?.text }
    /// The member `user`.
    package var user: SkaroUser? { value["user"].flatMap(SkaroUser.init) }
    /// The one in `data`, of requests about one contact.
    package var contact: SkaroUser? { value["data"].flatMap(SkaroUser.init) }
    /// Those in `data`, of requests about contacts.
    package var contacts: [SkaroUser]? { value["data"]?.array?.compactMap(SkaroUser.init) }
    /// The message in `data`, as it is stored.
    package var message: SkaroMessage? { value["data"].flatMap(SkaroMessage.init) }
    /// The messages in `history`, oldest first.
    package var history: [SkaroMessage]? { value["history"]?.array?.compactMap(SkaroMessage.init) }
}

/// What a server sent of its own accord.
package enum SkaroNews: Sendable, Equatable {
    case message(SkaroMessage)
    case changed(SkaroUser)
    case info(String)
    case error(String)
    /// Of a type that is not known, or without its members.
    case other(CBORValue)

    init(_ value: CBORValue) {
        switch value["type"]?.text {
        case "show_message":
            if let message = SkaroMessage(value) {
                self = .message(message)
                return
            }
        case "changed_user_data":
            if let user = value["user"].flatMap(SkaroUser.init) {
                self = .changed(user)
                return
            }
        case "info":
            if let info = value["info"]?.text {
                self = .info(info)
                return
            }
        case "error":
            if let info = value["info"]?.text {
                self = .error(info)
                return
            }
        default: break
        }
        self = .other(value)
    }
}

extension SkaroUser {
    /// Reads a user map; `nil` for one that lacks what every user has.
    package init?(_ value: CBORValue) {
        guard let login = value["login"]?.text, let name = value["name"]?.text, let id = value["id"]?.text,
            let status = value["status"]?.text, status == "online" || status == "offline"
        else { return nil }
        self.init(
            login: login, name: name, id: id, isOnline: status == "online", bio: value["bio"]?.text,
            email: value["email"]?.text, avatar: value["avatar"]?.text)
    }
}

extension SkaroMessage {
    /// Reads a message map; `nil` for one that lacks what every message has.
    package init?(_ value: CBORValue) {
        guard let id = value["id"]?.text, let author = value["from"]?["login"]?.text, let to = value["to"]?.text,
            let body = value["body"]?.text, let time = value["time"]?.int
        else { return nil }
        if let flow = value["from"]?["in_conference"]?.text {
            guard flow == to else { return nil }
            self.init(id: id, from: author, inFlow: flow, body: body, time: time)
        } else {
            self.init(id: id, from: author, to: to, body: body, time: time)
        }
    }
}

/// A server refused a request where the caller needs its success.
package struct SkaroDenial: Error, Equatable, Sendable, CustomStringConvertible {
    /// The code and phrase.
    package var status: String
    /// A sentence for a person.
    package var info: String?

    package init(_ answer: SkaroAnswer) {
        status = answer.status
        info = answer.info
    }

    package var description: String {
        let words = "The server answered \(status)\(info.map { ": \($0)" } ?? "")"
        return words.hasSuffix(".") ? words : words + "."
    }
}
