// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FastChat
import JSON
import Testing

/// Requests as Python's `json.dumps` writes them, and what they mean.
struct FastChatSample: Sendable, CustomTestStringConvertible {
    let name: String
    let json: String
    let request: FastChatRequest

    var testDescription: String { name }

    static let time = "2026-11-21 06:36:40.123456"
    static let pem = "-----BEGIN RSA PUBLIC KEY-----\nMIGJAoGBAKl+/\n-----END RSA PUBLIC KEY-----\n"
    static let cipher = "q83vEjRWeJq83vEjRWeJ+/AAAA=="
    static let secret = "a2V5IGZvciBvbmU="

    static func user(_ number: Int64) -> FastChatUserNumber { FastChatUserNumber(number) }
    static func group(_ number: Int64) -> FastChatGroupNumber { FastChatGroupNumber(number) }

    static func copy(_ recipient: Int64, _ suffix: String = "") -> FastChatCopy {
        FastChatCopy(recipient: user(recipient), body: JSONText(cipher + suffix), key: JSONText(secret + suffix))
    }

    static let direct = FastChatMessage(FastChatHeader(kind: .text, sender: user(7), time: time), copy(8))

    static let all: [FastChatSample] = [
        FastChatSample(
            name: "register",
            json: #"""
                {"type": "new", "user": 7, "password": "p\u00e4ss", "sign": "c2ln", "public_key":
                "-----BEGIN RSA PUBLIC KEY-----\nMIGJAoGBAKl+/\n-----END RSA PUBLIC KEY-----\n"}
                """#,
            request: .register(user(7), password: "päss", publicKey: pem, sign: "c2ln")),
        FastChatSample(
            name: "log in", json: #"{"type": "login", "user": 7, "password": "pw", "sign": "c2ln"}"#,
            request: .logIn(user(7), password: "pw", sign: "c2ln")),
        FastChatSample(
            name: "close", json: #"{"type": "close", "user": "close", "password": "close"}"#, request: .close),
        FastChatSample(
            name: "key of a user",
            json: #"{"type": "keys", "dest": "server", "from": 7, "message": 8, "isgroup": 0, "response": 0}"#,
            request: .userKey(user(8), from: user(7))),
        FastChatSample(
            name: "keys of a group",
            json: #"{"type": "keys", "dest": "server", "from": 7, "message": 3, "isgroup": 1, "response": 0}"#,
            request: .groupKeys(group(3), from: user(7))),
        FastChatSample(
            name: "direct message",
            json: #"""
                {"type": "msg", "time": "2026-11-21 06:36:40.123456", "dest": 8, "from": 7,
                "message": "q83vEjRWeJq83vEjRWeJ+/AAAA==", "isgroup": 0, "response": 0, "key": "a2V5IGZvciBvbmU="}
                """#,
            request: .direct(direct)),
        FastChatSample(
            name: "direct image",
            json: #"""
                {"type": "img", "time": "2026-11-21 06:36:40.123456", "dest": 8, "from": 7,
                "message": "q83vEjRWeJq83vEjRWeJ+/AAAA==", "isgroup": 0, "response": 0, "key": "a2V5IGZvciBvbmU="}
                """#,
            request: .direct(FastChatMessage(FastChatHeader(kind: .image, sender: user(7), time: time), copy(8)))),
        FastChatSample(
            name: "group message",
            json: #"""
                [{"type": "msg", "time": "2026-11-21 06:36:40.123456", "dest": 8, "group": 3, "from": 7,
                "message": "q83vEjRWeJq83vEjRWeJ+/AAAA==", "isgroup": 1, "response": 0, "key": "a2V5IGZvciBvbmU="},
                {"type": "msg", "time": "2026-11-21 06:36:40.123456", "dest": 9, "group": 3, "from": 7,
                "message": "q83vEjRWeJq83vEjRWeJ+/AAAA==9", "isgroup": 1, "response": 0, "key": "a2V5IGZvciBvbmU=9"}]
                """#,
            request: .group(
                FastChatGroupMessage(
                    FastChatHeader(kind: .text, sender: user(7), time: time), to: group(3),
                    copies: [copy(8), copy(9, "9")]))),
        FastChatSample(name: "empty group message", json: "[]", request: .emptyGroupMessage),
        FastChatSample(
            name: "create group",
            json: #"""
                {"type": "msg", "time": "T", "dest": "2,3,4", "from": 7, "message": "create_group", "isgroup": 1,
                "response": 0}
                """#,
            request: .createGroup(members: [user(2), user(3), user(4)], from: user(7))),
        FastChatSample(
            name: "create group of one",
            json: #"{"type": "msg", "time": "T", "dest": "", "from": 7, "message": "create_group", "isgroup": 1}"#,
            request: .createGroup(members: [], from: user(7))),
        FastChatSample(
            name: "add to group",
            json: #"""
                {"type": "msg", "time": "T", "group": 3, "dest": 9, "from": 7, "message": "add_to_group", "isgroup": 1,
                "response": 0}
                """#,
            request: .addToGroup(group(3), member: user(9), from: user(7))),
        FastChatSample(
            name: "remove from group",
            json: #"""
                {"type": "msg", "time": "T", "group": 3, "dest": 9, "from": 7, "message": "remove_from_group",
                "isgroup": 1, "response": 0}
                """#,
            request: .removeFromGroup(group(3), member: user(9), from: user(7))),
        FastChatSample(
            name: "log out",
            json: #"""
                {"type": "msg", "time": "T", "dest": "server", "from": 7, "message": "close", "isgroup": 0,
                "response": 0}
                """#,
            request: .logOut(from: user(7))),
    ]
}
