// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON

/// What a client read at one time: a reply, or an array of what was queued for it.
package enum FastChatServerUnit: Equatable, Sendable {
    case reply(FastChatReply)
    case items([FastChatItem])

    /// Decodes one value that the server wrote.
    package init(decoding value: [UInt8]) throws(FastChatDecodeError) {
        let json: JSONValue
        do throws(JSONError) {
            json = try JSONValue.parse(value)
        } catch {
            throw FastChatDecodeError("not a JSON value: \(error)", isUnparseable: true)
        }
        guard let array = json.array else {
            self = .reply(try FastChatReply(FastChatObject(json)))
            return
        }
        var items: [FastChatItem] = []
        for (index, element) in array.enumerated() {
            items.append(try FastChatItem(FastChatObject(element, index: index)))
        }
        self = .items(items)
    }
}

/// One object of an array from the server.
package enum FastChatItem: Equatable, Sendable {
    case message(FastChatMessage)
    case keys(FastChatKeysReply)
    case notice(FastChatNotice, time: String)

    init(_ object: FastChatObject) throws(FastChatDecodeError) {
        if try object.text("type") == "keys" {
            self = .keys(try FastChatKeysReply(object))
        } else if object.member("from")?.text == "server" {
            let group = try object.number("group")
            let notice = FastChatNotice(
                try object.string("message"), group: group == 0 ? nil : FastChatGroupNumber(group))
            self = .notice(notice, time: try object.string("time"))
        } else {
            self = .message(try FastChatMessage(object))
        }
    }
}

extension FastChatReply {
    fileprivate init(_ object: FastChatObject) throws(FastChatDecodeError) {
        guard try object.text("type") == "server reply" else {
            throw FastChatDecodeError("type must be \"server reply\"")
        }
        let message = try object.string("server_message")
        let isFinal = try object.flag("response")
        let known: [FastChatReply] = [.registered, .userTaken, .loggedIn, .logInFailed]
        self = known.first { $0.message.utf8.elementsEqual(message.utf8) && $0.isFinal == isFinal } ?? .refused(message)
    }
}

extension FastChatKeysReply {
    fileprivate init(_ object: FastChatObject) throws(FastChatDecodeError) {
        let message = try object.required("message", "an object or -1")
        let isGroup = try object.flag("isgroup")
        guard let members = message.members else {
            guard message.int == -1 else { throw object.mismatch("message", "an object or -1", message) }
            self.init(nil, isGroup: isGroup)
            return
        }
        var keys: [Key] = []
        for (name, value) in members {
            guard let user = Int64(name.string), user >= 0, let pem = value.string else {
                throw FastChatDecodeError("\(object.place("message")) must hold public keys by the numbers of users")
            }
            keys.append(Key(user: FastChatUserNumber(user), pem: pem))
        }
        self.init(keys, isGroup: isGroup)
    }
}
