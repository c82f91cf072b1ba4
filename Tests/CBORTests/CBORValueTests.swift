// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import Testing

@Suite struct CBORValueTests {
    @Test(
        arguments: [
            (0, "00"), (23, "17"), (24, "1818"), (255, "18ff"), (256, "190100"), (65535, "19ffff"),
            (65536, "1a00010000"),
            (4_294_967_295, "1affffffff"), (4_294_967_296, "1b0000000100000000"), (.max, "1b7fffffffffffffff"),
            (-1, "20"), (-24, "37"), (-25, "3818"), (-256, "38ff"), (-257, "390100"), (.min, "3b7fffffffffffffff"),
        ] as [(Int64, String)])
    func integerHasItsShortestHead(value: Int64, hex: String) throws {
        #expect(CBORValue.int(value).encoded().hex == hex)
        #expect(try CBORValue(decoding: [UInt8](hex: hex)).int == value)
        #expect(CBORValue(integerLiteral: value) == .int(value))
    }

    @Test func integerBeyond64BitsIsNoInt() {
        #expect(CBORValue.unsigned(1 << 63).int == nil)
        #expect(CBORValue.negative(1 << 63).int == nil)
        #expect(CBORValue.unsigned(1 << 63).number == 9_223_372_036_854_775_808)
        #expect(CBORValue.negative(.max).number == -18_446_744_073_709_551_616)
    }

    /// Longer heads than needed are well-formed (RFC 8949 §3.9 asks for the shortest only of encoders).
    @Test(arguments: ["1801", "190001", "1a00000001", "1b0000000000000001"])
    func integerIsReadFromAnyLength(hex: String) throws {
        #expect(try CBORValue(decoding: [UInt8](hex: hex)) == 1)
    }

    @Test(
        arguments: [
            (0, "f90000"), (-0.0, "f98000"), (1.5, "f93e00"), (65504, "f97bff"), (65505, "fa477fe100"),
            (100_000, "fa47c35000"), (1.1, "fb3ff199999999999a"), (.infinity, "f97c00"), (-.infinity, "f9fc00"),
            (.nan, "f97e00"), (-.nan, "f97e00"), (1.0e+300, "fb7e37e43c8800759c"), (0x1p-24, "f90001"),
            (0x1p-25, "fa33000000"), (0x1p-149, "fa00000001"), (0x1p-150, "fb3690000000000000"),
        ] as [(Double, String)])
    func floatHasItsShortestForm(value: Double, hex: String) {
        #expect(CBORValue.float(value).encoded().hex == hex)
        if !value.isNaN { #expect(CBORValue.float(value).number == value) }
    }

    /// The payload and the signalling bit of a NaN pass through.
    @Test(arguments: ["f97c01", "f9fe2a", "fa7f800001", "faffc12345", "fb7ff0000000000001", "fbfff8000000000abc"])
    func floatKeepsItsBits(hex: String) throws {
        #expect(try CBORValue(decoding: [UInt8](hex: hex)).encoded().hex == hex)
    }

    @Test func accessorAnswersForItsOwnTypeOnly() {
        let values: [CBORValue] = [
            1, -1, .bytes([1]), "a", [1], ["a": 2], .tag(1, 1), .simple(1), true, .null, .undefined, .half(1),
            .single(1),
            .double(1),
        ]

        #expect(values.map { $0.int != nil } == values.indices.map { $0 < 2 })
        #expect(values.map { $0.bytes != nil } == values.indices.map { $0 == 2 })
        #expect(values.map { $0.text != nil } == values.indices.map { $0 == 3 })
        #expect(values.map { $0.array != nil } == values.indices.map { $0 == 4 })
        #expect(values.map { $0.map != nil } == values.indices.map { $0 == 5 })
        #expect(values.map { $0.bool != nil } == values.indices.map { $0 == 8 })
        #expect(values.map { $0.isNull } == values.indices.map { $0 == 9 })
        #expect(values.map { $0.number != nil } == values.indices.map { $0 < 2 || $0 > 10 })
        #expect(Set(values.map { "\($0.kind)" }).count == 11)
    }

    @Test func memberIsFoundByItsKey() throws {
        let written: CBORValue = ["a": "text", "b": .null]
        let map = try CBORValue(decoding: written.encoded())

        #expect(map["a"] == "text")
        #expect(map["b"] == .null)
        #expect(map["c"] == nil)
        #expect(CBORValue("b")["b"] == nil)
    }

    /// Composed and decomposed forms are different texts on the wire.
    @Test func textsCompareByTheirBytes() {
        #expect(CBORValue.text("\u{E9}") != .text("e\u{301}"))
        #expect((["\u{E9}": 1] as CBORValue)["e\u{301}"] == nil)
        #expect(Set([CBORValue.text("\u{E9}"), .text("e\u{301}")]).count == 2)
    }

    @Test func mapKeepsTheOrderOfTheWire() throws {
        let keys = ["z", "a", "m", "b"]
        let map = CBORValue.map(keys.map { CBORPair($0, .null) })

        #expect(try CBORValue(decoding: map.encoded()).map?.map(\.key) == keys)
    }
}

@Suite struct CBORWriterTests {
    @Test func writerAgreesWithTheValue() {
        var writer = CBORWriter()
        writer.map { writer in
            writer.member("type", "show_message")
            writer.member("left_out", nil as String?)
            writer.member("left_out", nil as Int64?)
            writer.member("left_out", nil as Bool?)
            writer.member("left_out", nil as CBORValue?)
            writer.key("from")
            writer.map { $0.member("login", "bob") }
            writer.member("time", 1_700_000_000 as Int64?)
            writer.member("new", true)
            writer.member("id", [1, .null] as CBORValue)
            writer.key("list")
            writer.array([3, 4]) { $0.int($1) }
            writer.key("empty")
            writer.map { _ in }
        }

        let value: CBORValue = [
            "type": "show_message", "from": ["login": "bob"], "time": 1_700_000_000, "new": true, "id": [1, .null],
            "list": [3, 4], "empty": [:],
        ]
        #expect(writer.bytes.hex == value.encoded().hex)
    }

    /// The head of a map grows from one byte to two at 24 members, to three at 256.
    @Test(arguments: [0, 1, 23, 24, 25, 255, 256, 300]) func mapCountsItsMembers(count: Int) {
        var writer = CBORWriter(appendingTo: [0xAA])
        writer.map { writer in
            for _ in 0..<count {
                writer.key("k")
                writer.map { $0.member("inner", true) }
            }
        }

        let pair = CBORPair("k", ["inner": true])
        #expect(writer.bytes == [0xAA] + CBORValue.map(Array(repeating: pair, count: count)).encoded())
    }

    @Test func prefixStays() {
        var writer = CBORWriter(appendingTo: [1, 2, 3])
        writer.text("a" as StaticString)
        writer.text("b" as String)

        #expect(writer.bytes == [1, 2, 3, 0x61, 0x61, 0x61, 0x62])
    }

    @Test func longStringHasALongHead() throws {
        let text = String(repeating: "\u{FC}", count: 40_000)

        #expect(Array(CBORValue.text(text).encoded().prefix(5)) == [0x7A, 0, 1, 0x38, 0x80])
        #expect(try CBORValue(decoding: CBORValue.text(text).encoded()).text == text)
    }
}
