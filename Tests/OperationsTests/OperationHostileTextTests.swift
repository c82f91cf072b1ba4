// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HostileText
import Testing

@testable import Operations

@Suite struct OperationHostileTextTests {
    private func request(name: String = "login", text: String) -> [UInt8] {
        Array(#"{"operation":"user.show","parameters":{"\#(name)":["\#(text)"]}}"#.utf8)
    }

    @Test func namesAreShort() {
        #expect(RequestCheck.accepts(request(text: "anna")))
        #expect(RequestCheck.accepts(request(name: String(repeating: "a", count: 64), text: "")))
        #expect(!RequestCheck.accepts(request(name: String(repeating: "a", count: 65), text: "")))
        #expect(!RequestCheck.accepts(request(name: HostileText.marks(66), text: "")))
    }

    @Test func longTextsAreASCII() {
        #expect(RequestCheck.accepts(request(text: HostileText.letters(64 << 10))))
        #expect(RequestCheck.accepts(request(text: String(repeating: "a", count: 4 << 20))))
        #expect(!RequestCheck.accepts(request(text: HostileText.letters((64 << 10) + 2))))
        #expect(!RequestCheck.accepts(Array("[".utf8)))
    }

    @Test func everyTextIsCheckedInProportionToItsLength() {
        let slowdown = HostileText.slowdown { text in
            _ = RequestCheck.accepts(request(name: text, text: text))
            _ = RequestCheck.accepts(request(text: text))
        }

        #expect(slowdown < HostileText.tolerance)
    }
}
