// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import JSON
import Storage

/// A frame is not a request, or one of its members has the wrong type.
///
/// Answered with the type `error` and code 415.
///
/// A sample: `data.flow[0].uuid must be a string, not an object`.
package struct MTPDecodeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, without anything of the frame's contents: fit for the client and the log.
    package var detail: String

    package init(_ detail: String) {
        self.detail = detail
    }

    package var description: String { detail }
}

/// Where in a frame a member stands; made into text only for an error.
struct MTPPlace {
    var path: StaticString
    var index: Int?

    func describe(_ member: StaticString) -> String {
        let parent = index.map { "\(path)[\($0)]" } ?? "\(path)"
        return parent.isEmpty ? "\(member)" : "\(parent).\(member)"
    }

    func mismatch(_ member: StaticString, _ expected: String, _ value: JSONView) -> MTPDecodeError {
        MTPDecodeError("\(describe(member)) must be \(expected), not \(value.kind.description)")
    }
}

extension JSONView {
    func string(_ name: StaticString, in place: MTPPlace) throws(MTPDecodeError) -> String {
        guard let string = string ?? numberText else { throw place.mismatch(name, "a string", self) }
        return string
    }

    func text(_ name: StaticString, in place: MTPPlace) throws(MTPDecodeError) -> JSONText {
        guard let text = text ?? numberText.map({ JSONText($0) }) else {
            throw place.mismatch(name, "a string", self)
        }
        return text
    }

    /// A string with an e-mail address, or with more than one may have: that is refused as any text that is too long.
    func email(_ name: StaticString, in place: MTPPlace) throws(MTPDecodeError) -> String {
        let address = try string(name, in: place)
        guard address.utf8.count > EmailAddress.maximumBytes || EmailAddress.isValid(address) else {
            throw MTPDecodeError("\(place.describe(name)) must be an e-mail address such as alice@example.org")
        }
        return address
    }

    /// A string.
    ///
    /// COMPAT: clients of early revisions send small identifiers as integers.
    func identifier(_ name: StaticString, in place: MTPPlace) throws(MTPDecodeError) -> MTPIdentifier {
        if let number = stringBytes.flatMap({ Identifier(decimal: $0) }) { return MTPIdentifier(number) }
        if let text { return MTPIdentifier(text) }
        guard kind == .integer, let number = int, number >= 0 else { throw place.mismatch(name, "a string", self) }
        return MTPIdentifier(Identifier(UInt128(number)))
    }

    func int(_ name: StaticString, in place: MTPPlace) throws(MTPDecodeError) -> Int64 {
        guard let number = int ?? wholeNumber else { throw place.mismatch(name, "an integer", self) }
        return number
    }

    func bool(_ name: StaticString, in place: MTPPlace) throws(MTPDecodeError) -> Bool {
        guard let value = bool ?? truthValue else { throw place.mismatch(name, "a boolean", self) }
        return value
    }

    func members(_ name: StaticString, in place: MTPPlace) throws(MTPDecodeError) -> JSONView.Members {
        guard let members else { throw place.mismatch(name, "an object", self) }
        return members
    }

    func list<Element>(
        _ name: StaticString, path: StaticString,
        of element: (JSONView.Members, MTPPlace) throws(MTPDecodeError) -> Element
    ) throws(MTPDecodeError) -> [Element] {
        guard let array else { throw MTPPlace(path: "data").mismatch(name, "an array of objects", self) }
        var list: [Element] = []
        list.reserveCapacity(array.count)
        for (index, value) in array.enumerated() {
            let place = MTPPlace(path: path, index: index)
            guard let members = value.members else {
                throw MTPDecodeError("\(path)[\(index)] must be an object, not \(value.kind.description)")
            }
            list.append(try element(members, place))
        }
        return list
    }
}

extension FlowObject {
    init(_ members: JSONView.Members, at place: MTPPlace) throws(MTPDecodeError) {
        self.init()
        for (name, value) in members where !value.isNull {
            switch name {
            case "uuid": uuid = try value.identifier("uuid", in: place)
            case "time": time = try value.int("time", in: place)
            case "type": type = try value.string("type", in: place)
            case "title": title = try value.string("title", in: place)
            case "info": info = try value.string("info", in: place)
            case "owner": owner = try value.identifier("owner", in: place)
            case "users":
                guard let array = value.array else { throw place.mismatch("users", "an array of strings", value) }
                var users: [MTPIdentifier] = []
                users.reserveCapacity(array.count)
                for element in array { users.append(try element.identifier("users[]", in: place)) }
                self.users = users
            case "message_start": messageStart = try value.int("message_start", in: place)
            case "message_end": messageEnd = try value.int("message_end", in: place)
            default: break
            }
        }
    }
}

extension MessageObject {
    init(_ members: JSONView.Members, at place: MTPPlace) throws(MTPDecodeError) {
        self.init()
        for (name, value) in members where !value.isNull {
            switch name {
            case "uuid": uuid = try value.identifier("uuid", in: place)
            case "client_id": clientID = try value.int("client_id", in: place)
            case "text": text = try value.text("text", in: place)
            case "from_user": fromUser = try value.identifier("from_user", in: place)
            case "from_flow": fromFlow = try value.identifier("from_flow", in: place)
            case "time": time = try value.int("time", in: place)
            case "file_picture": filePicture = try value.text("file_picture", in: place)
            case "file_video": fileVideo = try value.text("file_video", in: place)
            case "file_audio": fileAudio = try value.text("file_audio", in: place)
            case "file_document": fileDocument = try value.text("file_document", in: place)
            case "emoji": emoji = try value.text("emoji", in: place)
            case "edited_time": editedTime = try value.int("edited_time", in: place)
            case "edited_status": editedStatus = try value.bool("edited_status", in: place)
            default: break
            }
        }
    }
}

extension UserObject {
    init(_ members: JSONView.Members, at place: MTPPlace) throws(MTPDecodeError) {
        self.init()
        for (name, value) in members where !value.isNull {
            switch name {
            case "uuid": uuid = try value.identifier("uuid", in: place)
            case "auth_id": authID = try value.text("auth_id", in: place)
            case "login": login = try value.string("login", in: place)
            case "username": username = try value.string("username", in: place)
            case "bio": bio = try value.string("bio", in: place)
            case "avatar": avatar = try value.text("avatar", in: place)
            case "password": password = try value.string("password", in: place)
            case "is_bot": isBot = try value.bool("is_bot", in: place)
            case "is_online": isOnline = try value.bool("is_online", in: place)
            case "token_ttl": tokenTTL = try value.int("token_ttl", in: place)
            case "email": email = try value.email("email", in: place)
            case "time_created": timeCreated = try value.int("time_created", in: place)
            default: break
            }
        }
    }
}

extension MTPData {
    init(_ members: JSONView.Members) throws(MTPDecodeError) {
        self.init()
        for (name, value) in members where !value.isNull {
            switch name {
            case "time": time = try value.int("time", in: MTPPlace(path: "data"))
            case "flow": flow = try value.list("flow", path: "data.flow", of: FlowObject.init(_:at:))
            case "message": message = try value.list("message", path: "data.message", of: MessageObject.init(_:at:))
            case "user": user = try value.list("user", path: "data.user", of: UserObject.init(_:at:))
            default: break
            }
        }
    }
}

extension MTPMeta {
    /// The published protocol reserves `meta` for anything, so only an object means something to us.
    init?(_ value: JSONView) throws(MTPDecodeError) {
        guard let members = value.members else { return nil }
        self.init()
        let place = MTPPlace(path: "meta")
        for (name, value) in members where !value.isNull {
            switch name {
            case "push": push = try value.bool("push", in: place)
            case "since": since = try value.string("since", in: place)
            case "invite": invite = try value.string("invite", in: place)
            case "presence": presence = try value.bool("presence", in: place)
            case "notice": notice = try value.string("notice", in: place)
            case "end_session": endSession = try value.bool("end_session", in: place)
            default: break
            }
        }
    }
}
