// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HostileText
import Messenger
import Testing

@Suite struct MessengerHostileTextTests {
    private static let key = WireSample.key

    private static func requests(_ text: String) -> [MessengerRequest] {
        [
            .signUp(email: text, login: "anna", password: "p"), .signUp(email: "", login: text, password: "p"),
            .signUp(email: "", login: "anna", password: text), .logIn(login: text, password: "p"),
            .logIn(login: "anna", password: text), .addContact(key, login: text),
            .send(key, to: .login(text), text: "t"), .send(key, to: .login("#\(text)"), text: "t"),
            .send(key, to: .login("bob"), text: text),
        ]
    }

    @Test func everyTextIsReadInProportionToItsLength() {
        for index in Self.requests("").indices {
            let slowdown = HostileText.slowdown { text in
                var decoder = MessengerDecoder()
                #expect((decoder.bytes(Self.requests(text)[index].encoded()) + decoder.pause()).count == 1)
            }
            #expect(slowdown < HostileText.tolerance, "\(Self.requests("HERE")[index])")
        }
    }

    /// The text of one message is a single character that fills many units.
    @Test func textIsCutIntoUnitsInProportionToItsLength() {
        let slowdown = HostileText.slowdown { text in
            let units = MessengerUnit.message(text + "\r\n\(text)", from: MessengerLogin("anna"))
            #expect(units.count >= 2 * text.utf8.count / MessengerUnit.maximumBytes)
            #expect(units.allSatisfy { $0.encoded().count <= MessengerUnit.maximumBytes })
        }

        #expect(slowdown < HostileText.tolerance)
    }

    /// Flags, families and letters that join are looked at backwards, too.
    @Test(arguments: [
        "\u{1F1E6}", "\u{1F469}\u{200D}", "\u{0915}\u{094D}", "\u{1100}", "\u{E0061}", "\u{0600}", "\u{301}",
    ])
    func joinedCharactersAreCutInProportionToTheirLength(part: String) {
        func cut(_ count: Int) {
            let text = "a" + String(repeating: part, count: count / part.utf8.count)
            #expect(MessengerUnit.message(text, from: MessengerLogin("anna")).count >= count / 4096)
        }

        let ratio = HostileText.ratio({ cut(320_000) }, to: { for _ in 0..<16 { cut(20_000) } })

        #expect(ratio < 8)
    }

    /// Requests have no length: each byte costs what it is, and so does each of many requests before one pause.
    @Test(arguments: [true, false]) func inputIsTakenInProportionToItsLength(isGlued: Bool) {
        func receive(_ count: Int) {
            var decoder = MessengerDecoder(maximumBytes: 1 << 20)
            let text = String(repeating: "x", count: isGlued ? 1 : count)
            let request = MessengerRequest.send(Self.key, to: .login("b"), text: text).encoded()
            if isGlued {
                let requests = Array(repeatElement(request, count: count / request.count).joined())
                #expect((decoder.bytes(requests) + decoder.pause()).count == count / request.count)
            } else {
                for byte in request { _ = decoder.bytes([byte]) }
                #expect(decoder.pause().count == 1)
            }
        }

        let ratio = HostileText.ratio({ receive(320_000) }, to: { for _ in 0..<16 { receive(20_000) } })

        #expect(ratio < 8)
    }
}
