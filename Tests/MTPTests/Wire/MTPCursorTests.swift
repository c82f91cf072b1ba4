// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import MTP
import Testing

@Suite struct MTPCursorTests {
    @Test(arguments: [0, 1, 2, 15, 16, 1_000_000, Int64.max - 1, .max])
    func aCursorComesBack(position: Int64) {
        let text = MTPCursor(position: position).text

        #expect(text.utf8.count == 24)
        #expect(MTPCursor(text)?.position == position)
    }

    @Test func everyOtherTextIsRefused() {
        let text = Array(MTPCursor(position: 123_456_789).text.utf8)
        for index in text.indices {
            for digit in "0123456789abcdefABCDEFg -\0".utf8 where digit != text[index] {
                var changed = text
                changed[index] = digit
                #expect(MTPCursor(String(decoding: changed, as: UTF8.self)) == nil)
            }
        }
        for garbage in [
            "", "0", "1594492370", "null", String(repeating: "0", count: 24), String(repeating: "f", count: 24),
        ] {
            #expect(MTPCursor(garbage) == nil)
        }
        #expect(MTPCursor(String(decoding: text.dropLast(), as: UTF8.self)) == nil)
        #expect(MTPCursor(String(decoding: text, as: UTF8.self) + "0") == nil)
    }

    /// A negative position exists only in the memory of a program with an error; its text must not come back.
    @Test func aNegativePositionIsNoCursor() {
        #expect(MTPCursor(MTPCursor(position: -1).text) == nil)
        #expect(MTPCursor(MTPCursor(position: .min).text) == nil)
    }
}
