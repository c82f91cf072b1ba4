// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import HostileText
import Testing

@Suite struct CBORHostileTextTests {
    @Test func keysAreComparedByTheirBytes() throws {
        let slowdown = try HostileText.slowdown { text in
            let value: CBORValue = .map([
                CBORPair("type", .text(text)), CBORPair(text, 1), CBORPair(text + "b", .text(text)),
            ])
            let map = try CBORValue(decoding: value.encoded())

            #expect(map["type"] == .text(text))
            #expect(map[text] == 1)
            #expect(map["none"] == nil)
            #expect(map == value)
        }

        #expect(slowdown < HostileText.tolerance)
    }

    /// More keys than are compared one by one.
    @Test func manyKeysAreHashedByTheirBytes() throws {
        let slowdown = try HostileText.slowdown(bytes: 20_000) { text in
            let map = CBORValue.map((0..<20).map { CBORPair("\(text)\($0)", .text(text)) })

            let decoded = try CBORValue(decoding: map.encoded())
            #expect(decoded == map)
        }

        #expect(slowdown < HostileText.tolerance)
    }

    /// Arrays as keys, whose texts are the same when they are written one after the other, once took a second and more.
    @Test func keysThatWereMadeToCollideAreRefused() {
        var frame: [UInt8] = [0xB9, 0x17, 0x70]
        for number in 0..<6000 {
            let lengths = [number / 30, number % 30, 240 - number / 30 - number % 30]
            frame.append(0x83)
            for length in lengths { frame += [0x78, UInt8(length)] + Array(repeating: 0x61, count: length) }
            frame.append(0xF6)
        }

        #expect(frame.count > 1_450_000)
        #expect(throws: CBORError(.nonTextKey, at: 3)) { try CBORValue(decoding: frame) }
    }

    /// Keys of one length that differ at their ends only.
    @Test func manyKeysTakeTimeInProportion() throws {
        func map(_ count: Int) -> [UInt8] {
            CBORValue.map((0..<count).map { CBORPair(String(repeating: "k", count: 40) + "\(10_000 + $0)", .null) })
                .encoded()
        }

        let (few, many) = (map(1500), map(24_000))

        let ratio = try HostileText.ratio(
            { _ = try CBORValue(decoding: many) }, to: { for _ in 0..<16 { _ = try CBORValue(decoding: few) } })

        #expect(ratio < 8)
    }
}
