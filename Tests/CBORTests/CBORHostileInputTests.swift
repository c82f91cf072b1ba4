// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import TestSupport
import Testing

@Suite struct CBORHostileInputTests {
    private func refusal(of bytes: [UInt8], limits: CBORLimits = .standard) -> CBORError? {
        do {
            _ = try CBORValue(decoding: bytes, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    private func refusal(of hex: String) -> CBORError? { refusal(of: [UInt8](hex: hex)) }

    /// RFC 8949 appendix F lists most of these.
    @Test(arguments: [
        ("", CBORError(.empty, at: 0)),
        // Heads that end too early.
        ("18", CBORError(.truncated, at: 0)), ("1901", CBORError(.truncated, at: 0)),
        ("1a010203", CBORError(.truncated, at: 0)), ("1b01020304050607", CBORError(.truncated, at: 0)),
        ("38", CBORError(.truncated, at: 0)), ("58", CBORError(.truncated, at: 0)),
        ("78", CBORError(.truncated, at: 0)), ("98", CBORError(.truncated, at: 0)),
        ("9a01ff00", CBORError(.truncated, at: 0)), ("b8", CBORError(.truncated, at: 0)),
        ("d8", CBORError(.truncated, at: 0)), ("f8", CBORError(.truncated, at: 0)),
        ("f900", CBORError(.truncated, at: 0)), ("fa0000", CBORError(.truncated, at: 0)),
        ("fb000000", CBORError(.truncated, at: 0)),
        // Strings and containers that end too early.
        ("41", CBORError(.truncated, at: 0)), ("61", CBORError(.truncated, at: 0)),
        ("8261", CBORError(.truncated, at: 0)), ("826161", CBORError(.truncated, at: 3)),
        ("a1", CBORError(.truncated, at: 0)), ("a20102", CBORError(.truncated, at: 0)),
        ("a2010203", CBORError(.truncated, at: 0)), ("c0", CBORError(.truncated, at: 1)),
        ("9f01", CBORError(.truncated, at: 2)), ("bf60", CBORError(.truncated, at: 2)),
        ("bf6002", CBORError(.truncated, at: 3)), ("5f4100", CBORError(.truncated, at: 3)),
        // Reserved heads.
        ("1c", CBORError(.reserved, at: 0)), ("1d", CBORError(.reserved, at: 0)), ("1e", CBORError(.reserved, at: 0)),
        ("3c", CBORError(.reserved, at: 0)), ("5d", CBORError(.reserved, at: 0)), ("7e", CBORError(.reserved, at: 0)),
        ("9c", CBORError(.reserved, at: 0)), ("bd", CBORError(.reserved, at: 0)), ("de", CBORError(.reserved, at: 0)),
        ("fc", CBORError(.reserved, at: 0)), ("fd", CBORError(.reserved, at: 0)), ("fe", CBORError(.reserved, at: 0)),
        ("f800", CBORError(.reserved, at: 0)), ("f814", CBORError(.reserved, at: 0)),
        ("81f818", CBORError(.reserved, at: 1)), ("f81f", CBORError(.reserved, at: 0)),
        // Breaks.
        ("ff", CBORError(.misplacedBreak, at: 0)), ("81ff", CBORError(.misplacedBreak, at: 1)),
        ("8200ff", CBORError(.misplacedBreak, at: 2)), ("a1ff00", CBORError(.misplacedBreak, at: 1)),
        ("a160ff", CBORError(.misplacedBreak, at: 2)), ("bf60ff", CBORError(.misplacedBreak, at: 2)),
        ("c0ff", CBORError(.misplacedBreak, at: 1)), ("9f81ff", CBORError(.misplacedBreak, at: 2)),
        // Indefinite lengths where there are none.
        ("1f", CBORError(.indefinite, at: 0)), ("3f", CBORError(.indefinite, at: 0)),
        ("df00", CBORError(.indefinite, at: 0)), ("811f", CBORError(.indefinite, at: 1)),
        // Parts of strings.
        ("5f00ff", CBORError(.invalidChunk, at: 1)), ("5f6100ff", CBORError(.invalidChunk, at: 1)),
        ("7f4100ff", CBORError(.invalidChunk, at: 1)), ("5f5f4100ffff", CBORError(.invalidChunk, at: 1)),
        ("7f7f6100ffff", CBORError(.invalidChunk, at: 1)), ("5f80ff", CBORError(.invalidChunk, at: 1)),
        ("7fa0ff", CBORError(.invalidChunk, at: 1)), ("5fc000ff", CBORError(.invalidChunk, at: 1)),
        // Texts.
        ("6180", CBORError(.invalidUTF8, at: 0)), ("61c3", CBORError(.invalidUTF8, at: 0)),
        ("62c080", CBORError(.invalidUTF8, at: 0)), ("63eda080", CBORError(.invalidUTF8, at: 0)),
        ("64f4908080", CBORError(.invalidUTF8, at: 0)), ("65f888808080", CBORError(.invalidUTF8, at: 0)),
        ("81626180", CBORError(.invalidUTF8, at: 1)), ("a161ff00", CBORError(.invalidUTF8, at: 1)),
        ("7f61c361bcff", CBORError(.invalidUTF8, at: 1)), ("7f616161ffff", CBORError(.invalidUTF8, at: 3)),
        // Keys.
        ("a260026003", CBORError(.duplicateKey, at: 3)), ("a2616101616102", CBORError(.duplicateKey, at: 4)),
        ("bf616101616102ff", CBORError(.duplicateKey, at: 4)), ("a26161027801610a", CBORError(.duplicateKey, at: 4)),
        ("a26161027f6161ff0a", CBORError(.duplicateKey, at: 4)),
        ("a1f900000a", CBORError(.nonTextKey, at: 1)), ("a1000a", CBORError(.nonTextKey, at: 1)),
        ("a1200a", CBORError(.nonTextKey, at: 1)), ("a141610a", CBORError(.nonTextKey, at: 1)),
        ("a181010a", CBORError(.nonTextKey, at: 1)), ("a1a00a", CBORError(.nonTextKey, at: 1)),
        ("a1c061610a", CBORError(.nonTextKey, at: 1)), ("a1f60a", CBORError(.nonTextKey, at: 1)),
        ("bf5fff0aff", CBORError(.nonTextKey, at: 1)), ("82a0a1f40a", CBORError(.nonTextKey, at: 3)),
    ])
    func whatIsWrongIsNamedWithItsPlace(hex: String, error: CBORError) {
        #expect(refusal(of: hex) == error)
        #expect(error.description.hasSuffix("(at byte \(error.offset))"))
    }

    @Test(arguments: ["a26165016002", "a2616101614102", "a262c3a9016365cc8102", "a26161016261000a"])
    func keysThatOnlyLookAlikeDiffer(hex: String) throws {
        #expect(try CBORValue(decoding: [UInt8](hex: hex)).map?.count == 2)
    }

    @Test func duplicateIsFoundAmongManyKeys() {
        func map(_ keys: [UInt64]) -> [UInt8] { CBORValue.map(keys.map { CBORPair("\($0)", .null) }).encoded() }

        #expect(refusal(of: map(Array(0..<5000))) == nil)
        for twice in [0, 7, 8, 9, 4999] as [UInt64] {
            #expect(refusal(of: map(Array(0..<5000) + [twice]))?.code == .duplicateKey)
        }
    }

    /// Such lengths would be reserved before the first element is read by a decoder that believes them.
    @Test(
        arguments: [0x40, 0x60, 0x80, 0xA0] as [UInt8],
        [.max, 1 << 63, (1 << 63) - 1, 1 << 40, 1 << 32, 1 << 20] as [UInt64])
    func lengthBeyondTheBytesIsRefused(major: UInt8, length: UInt64) {
        let head = [major | 27] + (0..<8).map { UInt8(truncatingIfNeeded: length >> (56 - 8 * $0)) }
        let chunked: [UInt8] = major == 0x40 ? [0x5F] + head : [0x7F] + head

        #expect(refusal(of: head) == CBORError(.truncated, at: 0))
        #expect(refusal(of: head + Array(repeating: 0, count: 1000)) == CBORError(.truncated, at: 0))
        #expect(refusal(of: [0x81] + head + [0]) == CBORError(.truncated, at: 1))
        if major <= 0x60 { #expect(refusal(of: chunked) == CBORError(.truncated, at: 1)) }
    }

    @Test func arraysThatPromiseMoreTogetherThanTheLimitAreRefused() {
        let limits = CBORLimits(bytes: 1 << 20, depth: 32, items: 1000)
        let promise: [UInt8] = [0x99, 0x01, 0xF4]  // an array of 500
        let zeros = [UInt8](repeating: 0, count: 2000)

        #expect(refusal(of: promise + Array(repeating: 0, count: 500), limits: limits) == nil)
        #expect(refusal(of: promise + promise + zeros, limits: limits) == CBORError(.tooManyItems, at: 3))
        #expect(refusal(of: [0x99, 0x03, 0xE8] + zeros, limits: limits) == CBORError(.tooManyItems, at: 0))
    }

    @Test(arguments: [
        ("83010203", 4), ("9f010203ff", 4), ("a26002616104", 5), ("bf6002616104ff", 5), ("c1c1c100", 4),
        ("5f4100410041004100ff", 5), ("7f60606060ff", 5), ("00", 1),
    ])
    func itemsAreCounted(hex: String, items: Int) {
        let bytes = [UInt8](hex: hex)

        #expect(refusal(of: bytes, limits: CBORLimits(bytes: 100, depth: 32, items: items)) == nil)
        #expect(
            refusal(of: bytes, limits: CBORLimits(bytes: 100, depth: 32, items: items - 1))?.code == .tooManyItems)
    }

    @Test(arguments: [[0x81], [0x9F], [0xA1, 0x60], [0xBF, 0x60], [0xC1], [0xD9, 0xD9, 0xF7]] as [[UInt8]])
    func depthIsBounded(opener: [UInt8]) {
        let limits = CBORLimits(bytes: 32 << 20, depth: 32, items: 1 << 20)
        func nested(_ depth: Int) -> [UInt8] {
            let breaks = opener[0] & 0x1F == 0x1F ? depth : 0
            return (0..<depth).flatMap { _ in opener } + [0] + Array(repeating: 0xFF, count: breaks)
        }

        #expect(refusal(of: nested(32), limits: limits) == nil)
        #expect(refusal(of: nested(33), limits: limits) == CBORError(.tooDeep, at: 32 * opener.count))
        #expect(refusal(of: nested(1_000_000), limits: limits) == CBORError(.tooDeep, at: 32 * opener.count))
        #expect(refusal(of: opener + [0], limits: CBORLimits(bytes: 9, depth: 0, items: 9))?.code == .tooDeep)
    }

    @Test func siblingsAreNotDepth() {
        #expect(refusal(of: CBORValue.array(Array(repeating: [[[]]], count: 1000)).encoded()) == nil)
    }

    @Test func lengthOfTheWholeIsBounded() {
        let bytes = CBORValue.bytes(Array(repeating: 7, count: 100)).encoded()

        #expect(refusal(of: bytes, limits: CBORLimits(bytes: bytes.count, depth: 1, items: 1)) == nil)
        #expect(
            refusal(of: bytes, limits: CBORLimits(bytes: bytes.count - 1, depth: 1, items: 1))
                == CBORError(.tooLong, at: bytes.count - 1))
    }

    @Test(arguments: 0..<8) func randomBytesAreRefusedOrReadBack(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var accepted = 0

        for _ in 0..<5000 {
            let length = Int.random(in: 0...48, using: &random)
            // High bytes alone are mostly heads of containers and strings.
            let least: UInt8 = Bool.random(using: &random) ? 0 : 0x80
            let bytes = (0..<length).map { _ in UInt8.random(in: least...255, using: &random) }
            guard let value = try? CBORValue(decoding: bytes) else { continue }
            accepted += 1
            #expect(try CBORValue(decoding: value.encoded()) == value, "\(bytes.hex)")
        }

        #expect(accepted > 0)
    }

    @Test(arguments: 0..<8) func mutatedMessagesAreRefusedOrReadBack(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let message: CBORValue = [
            "type": "send_message", "to": "bob", "body": "Gr\u{FC}\u{DF}e", "on_request": 7,
            "more": [1, -1, [:], true, .null, .float(1.5), .tag(1, 1_700_000_000), .bytes([1, 2, 3])],
        ]
        let original = message.encoded()

        for _ in 0..<3000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let value = try? CBORValue(decoding: bytes) else { continue }
            #expect(try CBORValue(decoding: value.encoded()) == value, "\(bytes.hex)")
        }
    }
}
