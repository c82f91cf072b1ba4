// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ExactText
import JSON

extension FastChatRequest {
    /// Decodes one value of the stream.
    ///
    /// - Parameter value: A value that `FastChatSplitter` found.
    /// - Throws: `FastChatDecodeError` for what is not JSON, and for members that are missing or have the wrong type.
    ///   Unknown members of messages are kept, others ignored.
    package init(decoding value: [UInt8]) throws(FastChatDecodeError) {
        let json: JSONValue
        do throws(JSONError) {
            json = try JSONValue.parse(value)
        } catch {
            throw FastChatDecodeError("not a JSON value: \(error)", isUnparseable: true)
        }
        if let array = json.array {
            self = try Self.groupMessage(array)
        } else {
            self = try Self.single(FastChatObject(json))
        }
    }

    private static func single(_ object: FastChatObject) throws(FastChatDecodeError) -> FastChatRequest {
        switch try object.text("type") {
        case "new":
            return .register(
                try object.user("user"), password: try object.string("password"),
                publicKey: try object.string("public_key"), sign: try object.string("sign"))
        case "login":
            return .logIn(
                try object.user("user"), password: try object.string("password"), sign: try object.string("sign"))
        case "close": return .close
        case "keys":
            let sender = try object.user("from")
            if try object.flag("isgroup") { return .groupKeys(try object.group("message"), from: sender) }
            return .userKey(try object.user("message"), from: sender)
        case "msg", "img": return try message(object)
        default: throw FastChatDecodeError("type must be new, login, close, keys, msg or img")
        }
    }

    private static func message(_ object: FastChatObject) throws(FastChatDecodeError) -> FastChatRequest {
        // The commands are told from ciphertexts by `isgroup` and `dest`, and no base64 text is one of them.
        let command = try object.text("message")
        if object.member("dest")?.text == "server" {
            guard command == "close" else {
                throw FastChatDecodeError("message must be \"close\" where dest is \"server\"")
            }
            return .logOut(from: try object.user("from"))
        }
        guard try object.flag("isgroup") else {
            return .direct(try FastChatMessage(object))
        }
        switch command {
        case "create_group":
            return .createGroup(members: try object.users("dest"), from: try object.user("from"))
        case "add_to_group":
            return .addToGroup(
                try object.group("group"), member: try object.user("dest"), from: try object.user("from"))
        case "remove_from_group":
            return .removeFromGroup(
                try object.group("group"), member: try object.user("dest"), from: try object.user("from"))
        default:
            let group = try object.group("group")
            return .group(
                FastChatGroupMessage(try FastChatHeader(object), to: group, copies: [try FastChatCopy(object)]))
        }
    }

    private static func groupMessage(_ array: JSONArray) throws(FastChatDecodeError) -> FastChatRequest {
        var message: FastChatGroupMessage?
        var recipients: Set<FastChatUserNumber> = []
        for (index, element) in array.enumerated() {
            let object = try FastChatObject(element, index: index)
            guard try object.flag("isgroup") else {
                throw FastChatDecodeError("\(object.place("isgroup")) must be 1: an array is a message to a group")
            }
            let group = try object.group("group")
            let copy = try FastChatCopy(object)
            guard recipients.insert(copy.recipient).inserted else {
                throw FastChatDecodeError("\(object.place("dest")) is in the array already")
            }
            guard let first = message else {
                message = FastChatGroupMessage(try FastChatHeader(object), to: group, copies: [copy])
                continue
            }
            guard group == first.group else { throw differs("group", object) }
            guard try object.user("from") == first.header.sender else { throw differs("from", object) }
            guard try FastChatHeader.Kind(object) == first.header.kind else { throw differs("type", object) }
            message?.copies.append(copy)
        }
        return message.map { .group($0) } ?? .emptyGroupMessage
    }

    private static func differs(_ name: StaticString, _ object: FastChatObject) -> FastChatDecodeError {
        FastChatDecodeError("\(object.place(name)) must be the same as [0].\(name)")
    }

}

extension FastChatHeader.Kind {
    init(_ object: FastChatObject) throws(FastChatDecodeError) {
        guard let kind = Self(word: try object.string("type")) else {
            throw FastChatDecodeError("\(object.place("type")) must be msg or img")
        }
        self = kind
    }
}

extension FastChatHeader {
    init(_ object: FastChatObject, group: FastChatGroupNumber? = nil) throws(FastChatDecodeError) {
        self.init(
            kind: try Kind(object), sender: try object.user("from"), group: group, time: try Self.time(object),
            response: object.member("response")?.int ?? 0, others: Self.others(of: object.value))
    }

    /// Text, or a number as text: the old client can show nothing else.
    private static func time(_ object: FastChatObject) throws(FastChatDecodeError) -> String {
        guard let member = object.member("time") else { return "" }
        switch member.kind {
        case .string: return try object.string("time")
        case .integer, .real:
            var writer = JSONWriter(capacity: 32)
            writer.value(member)
            return String(decoding: writer.bytes, as: UTF8.self)
        case .object, .array, .bool, .null: throw object.mismatch("time", "a string", member)
        }
    }
}

extension FastChatCopy {
    init(_ object: FastChatObject) throws(FastChatDecodeError) {
        self.init(
            recipient: try object.user("dest"), body: try object.text("message"), key: try object.text("key"))
    }
}

extension FastChatMessage {
    init(_ object: FastChatObject) throws(FastChatDecodeError) {
        let group = try object.flag("isgroup") ? try object.group("group") : nil
        self.init(try FastChatHeader(object, group: group), try FastChatCopy(object))
    }
}
