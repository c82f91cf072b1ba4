// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import Testing

/// One row of the table in appendix A of RFC 8949.
struct CBORVector: Sendable, CustomTestStringConvertible {
    var hex: String
    var value: CBORValue
    /// The preferred form, where the row shows another one: an indefinite length.
    var preferredHex: String?

    var bytes: [UInt8] { [UInt8](hex: hex) }
    var preferred: [UInt8] { [UInt8](hex: preferredHex ?? hex) }
    var testDescription: String { hex }

    init(_ hex: String, _ value: CBORValue, preferred: String? = nil) {
        self.hex = hex
        self.value = value
        preferredHex = preferred
    }
}

extension [UInt8] {
    /// The bytes of pairs of hexadecimal digits, which the tests write correctly.
    init(hex: String) {
        let digits = hex.utf8.map { UInt8($0 < 0x3A ? $0 - 0x30 : $0 - 0x57) }
        self = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    var hex: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}

private let oneTo25: CBORValue = .array((1...25).map { .unsigned($0) })

extension CBORVector {
    static let all: [CBORVector] = integers + floats + simples + tags + strings + containers + indefinite

    static let integers = [
        CBORVector("00", 0),
        CBORVector("01", 1),
        CBORVector("0a", 10),
        CBORVector("17", 23),
        CBORVector("1818", 24),
        CBORVector("1819", 25),
        CBORVector("1864", 100),
        CBORVector("1903e8", 1000),
        CBORVector("1a000f4240", 1_000_000),
        CBORVector("1b000000e8d4a51000", 1_000_000_000_000),
        CBORVector("1bffffffffffffffff", .unsigned(18_446_744_073_709_551_615)),
        CBORVector("c249010000000000000000", .tag(2, .bytes([1, 0, 0, 0, 0, 0, 0, 0, 0]))),
        CBORVector("3bffffffffffffffff", .negative(18_446_744_073_709_551_615)),
        CBORVector("c349010000000000000000", .tag(3, .bytes([1, 0, 0, 0, 0, 0, 0, 0, 0]))),
        CBORVector("20", -1),
        CBORVector("29", -10),
        CBORVector("3863", -100),
        CBORVector("3903e7", -1000),
    ]

    static let floats = [
        CBORVector("f90000", .half(0)),
        CBORVector("f98000", .half(-0.0)),
        CBORVector("f93c00", .half(1)),
        CBORVector("fb3ff199999999999a", .double(1.1)),
        CBORVector("f93e00", .half(1.5)),
        CBORVector("f97bff", .half(65504)),
        CBORVector("fa47c35000", .single(100_000)),
        CBORVector("fa7f7fffff", .single(3.4028234663852886e+38)),
        CBORVector("fb7e37e43c8800759c", .double(1.0e+300)),
        CBORVector("f90001", .half(5.960464477539063e-8)),
        CBORVector("f90400", .half(0.00006103515625)),
        CBORVector("f9c400", .half(-4)),
        CBORVector("fbc010666666666666", .double(-4.1)),
        CBORVector("f97c00", .half(.infinity)),
        CBORVector("f97e00", .half(.nan)),
        CBORVector("f9fc00", .half(-.infinity)),
        CBORVector("fa7f800000", .single(.infinity)),
        CBORVector("fa7fc00000", .single(.nan)),
        CBORVector("faff800000", .single(-.infinity)),
        CBORVector("fb7ff0000000000000", .double(.infinity)),
        CBORVector("fb7ff8000000000000", .double(.nan)),
        CBORVector("fbfff0000000000000", .double(-.infinity)),
    ]

    static let simples = [
        CBORVector("f4", false),
        CBORVector("f5", true),
        CBORVector("f6", .null),
        CBORVector("f7", .undefined),
        CBORVector("f0", .simple(16)),
        CBORVector("f8ff", .simple(255)),
    ]

    static let tags = [
        CBORVector("c074323031332d30332d32315432303a30343a30305a", .tag(0, "2013-03-21T20:04:00Z")),
        CBORVector("c11a514b67b0", .tag(1, 1_363_896_240)),
        CBORVector("c1fb41d452d9ec200000", .tag(1, .double(1_363_896_240.5))),
        CBORVector("d74401020304", .tag(23, .bytes([1, 2, 3, 4]))),
        CBORVector("d818456449455446", .tag(24, .bytes([0x64, 0x49, 0x45, 0x54, 0x46]))),
        CBORVector("d82076687474703a2f2f7777772e6578616d706c652e636f6d", .tag(32, "http://www.example.com")),
    ]

    static let strings = [
        CBORVector("40", .bytes([])),
        CBORVector("4401020304", .bytes([1, 2, 3, 4])),
        CBORVector("60", ""),
        CBORVector("6161", "a"),
        CBORVector("6449455446", "IETF"),
        CBORVector("62225c", "\"\\"),
        CBORVector("62c3bc", "\u{FC}"),
        CBORVector("63e6b0b4", "\u{6C34}"),
        CBORVector("64f0908591", "\u{10151}"),
    ]

    static let containers = [
        CBORVector("80", []),
        CBORVector("83010203", [1, 2, 3]),
        CBORVector("8301820203820405", [1, [2, 3], [4, 5]]),
        CBORVector("98190102030405060708090a0b0c0d0e0f101112131415161718181819", oneTo25),
        CBORVector("a0", [:]),
        CBORVector("a26161016162820203", ["a": 1, "b": [2, 3]]),
        CBORVector("826161a161626163", ["a", ["b": "c"]]),
        CBORVector(
            "a56161614161626142616361436164614461656145", ["a": "A", "b": "B", "c": "C", "d": "D", "e": "E"]),
    ]

    static let indefinite = [
        CBORVector("5f42010243030405ff", .bytes([1, 2, 3, 4, 5]), preferred: "450102030405"),
        CBORVector("7f657374726561646d696e67ff", "streaming", preferred: "6973747265616d696e67"),
        CBORVector("9fff", [], preferred: "80"),
        CBORVector("9f018202039f0405ffff", [1, [2, 3], [4, 5]], preferred: "8301820203820405"),
        CBORVector("9f01820203820405ff", [1, [2, 3], [4, 5]], preferred: "8301820203820405"),
        CBORVector("83018202039f0405ff", [1, [2, 3], [4, 5]], preferred: "8301820203820405"),
        CBORVector("83019f0203ff820405", [1, [2, 3], [4, 5]], preferred: "8301820203820405"),
        CBORVector(
            "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", oneTo25,
            preferred: "98190102030405060708090a0b0c0d0e0f101112131415161718181819"),
        CBORVector("bf61610161629f0203ffff", ["a": 1, "b": [2, 3]], preferred: "a26161016162820203"),
        CBORVector("826161bf61626163ff", ["a", ["b": "c"]], preferred: "826161a161626163"),
        CBORVector("bf6346756ef563416d7421ff", ["Fun": true, "Amt": -2], preferred: "a26346756ef563416d7421"),
    ]
}
