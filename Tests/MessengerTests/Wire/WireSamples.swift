// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Messenger
import Testing

/// Requests as they go over the wire, written out by hand.
struct WireSample: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let request: MessengerRequest

    var testDescription: String { name }

    static let keyBytes: [UInt8] = [0x01, 0x06, 0xFF, 0x00]
    static let key = key(0x0106_FF00)

    static func key(_ number: UInt32) -> MessengerKey {
        guard let key = MessengerKey(number) else { preconditionFailure("The number contains no separator.") }
        return key
    }

    static let all: [WireSample] = [
        WireSample(
            name: "sign up", bytes: [0x00] + "a@b.c\ranna\rpä ss".utf8,
            request: .signUp(email: "a@b.c", login: "anna", password: "pä ss")),
        WireSample(
            name: "sign up without an email", bytes: [0x00] + "\ranna\rp".utf8,
            request: .signUp(email: "", login: "anna", password: "p")),
        WireSample(
            name: "log in", bytes: [0x01] + "anna\r€\u{1}".utf8, request: .logIn(login: "anna", password: "€\u{1}")),
        WireSample(name: "log out", bytes: [0x02] + keyBytes, request: .logOut(key)),
        WireSample(name: "contacts", bytes: [0x03] + keyBytes, request: .contacts(key)),
        WireSample(
            name: "add contact", bytes: [0x04] + keyBytes + "\rbéla".utf8, request: .addContact(key, login: "béla")),
        WireSample(
            name: "send", bytes: [0x06] + keyBytes + "\rbob\rHi 👋🏽!".utf8,
            request: .send(key, to: .login("bob"), text: "Hi 👋🏽!")),
        WireSample(
            name: "send lines", bytes: [0x06] + keyBytes + "\rbob\r1\r\n2\r".utf8,
            request: .send(key, to: .login("bob"), text: "1\r\n2\r")),
        WireSample(
            name: "send nothing", bytes: [0x06] + keyBytes + "\rbob\r".utf8,
            request: .send(key, to: .login("bob"), text: "")),
        WireSample(
            name: "send to a group", bytes: [0x06] + keyBytes + "\r#17\rall".utf8,
            request: .send(key, to: .group(17), text: "all")),
    ]
}
