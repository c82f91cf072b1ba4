// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

extension SkaroUser {
    /// What everybody may know of an account.
    init(_ person: Person, isOnline: Bool) {
        self.init(
            login: person.login, name: person.username, id: person.uuid.description, isOnline: isOnline,
            bio: person.bio.isEmpty ? nil : person.bio, avatar: person.avatar.isEmpty ? nil : person.avatar)
    }

    init(_ contact: Contact) {
        self.init(contact.person, isOnline: contact.isOnline)
    }

    /// All that an account may see of itself.
    init(_ user: UserRecord, isOnline: Bool) {
        self.init(Person(user), isOnline: isOnline)
        email = user.email.isEmpty ? nil : user.email
    }
}

extension SkaroMessage {
    /// A message as all its readers see it.
    ///
    /// - Parameters:
    ///   - message: What was written.
    ///   - flow: Where.
    ///   - receiver: The other side of a chat of two, seen from the author; `nil` if there is none.
    init(_ message: LiveMessage, in flow: FlowAccess, to receiver: Person?) {
        self.init(
            id: message.uuid, from: message.sender.login, in: flow, to: receiver, body: message.content.readableText,
            time: message.time)
    }

    init(id: Identifier, from author: String, in flow: FlowAccess, to receiver: Person?, body: String, time: Timestamp)
    {
        if flow.kind == .chat, let receiver {
            self.init(id: id.description, from: author, to: receiver.login, body: body, time: time.seconds)
        } else {
            self.init(
                id: id.description, from: author, inFlow: flow.uuid.description, body: body, time: time.seconds)
        }
    }
}
