// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ExactText
import HostileText
import Testing

@Suite struct ExactTextTests {
    private enum Word: String {
        case send
        case kelvin = "K"
    }

    @Test func equalityIsThatOfTheBytes() {
        #expect(ExactText("send") == "send")
        #expect(ExactText("send") != "sent")
        #expect(ExactText("send") != "sen")
        #expect(ExactText("") == "")
        #expect(ExactText("\u{E9}") != "e\u{301}")
        #expect(Set<ExactText>(["\u{E9}", "e\u{301}", "\u{E9}"]).count == 2)
        #expect("\(ExactText("send"))" == "send")
    }

    /// Without the lengths, texts that are hashed one after the other could be made to collide.
    @Test func neighbouringTextsDoNotRunIntoEachOther() {
        let splits = (0...200).map { split in
            [ExactText(String(repeating: "a", count: split)), ExactText(String(repeating: "a", count: 200 - split))]
        }

        #expect(Set(splits.map(\.hashValue)).count > 190)
    }

    @Test func wordIsFoundByItsBytes() {
        #expect(Word(word: "send") == .send)
        #expect(Word(word: "Send") == nil)
        #expect(Word(word: "") == nil)
        #expect(Word(word: "K") == .kelvin)
        // The sign for Kelvin, which means the same letter to a `String`.
        #expect(Word(rawValue: "\u{212A}") == .kelvin)
        #expect(Word(word: "\u{212A}") == nil)
        #expect(Word(word: String(repeating: "s", count: 1_000_000)) == nil)
    }

    @Test func costGrowsWithTheLength() {
        let slowdown = HostileText.slowdown { text in
            #expect(ExactText(text) != "send")
            #expect(ExactText(text) != ExactText(text + "a"))
            #expect([ExactText(text): 1][ExactText(text)] == 1)
            #expect(Word(word: text) == nil)
        }

        #expect(slowdown < HostileText.tolerance)
    }

    /// What the other tests guard against; when this fails, `String` has changed, and they prove nothing.
    @Test func stringTakesTheSquare() {
        let slowdown = HostileText.slowdown { text in #expect([text: 1]["send"] == nil) }

        // It is 200 to 400 times; less on a faster machine, since the plain text's time counts from a millisecond.
        #expect(slowdown > 5 * HostileText.tolerance)
    }
}
