// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

@Suite struct JSONHostileInputTests {
    private static let frame = #"""
        {"type":"send_message","data":{"flow":[{"uuid":"12"}],"message":[{"client_id":-12,"text":"He\u006clo \"é\\"}],
        "user":[{"uuid":"34","auth_id":"56","is_bot":false}],"time":15.5e3,"meta":null},"jsonapi":{"version":"1.0"}}
        """#

    private func error(_ bytes: [UInt8], limits: JSONLimits = .standard) -> JSONError? {
        do {
            _ = try JSONValue.parse(bytes, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    @Test func everyPrefixIsRefused() throws {
        let bytes = Array(Self.frame.utf8)
        #expect(error(bytes) == nil)

        for length in 0..<bytes.count {
            #expect(error(Array(bytes[..<length])) != nil, "the first \(length) bytes")
        }
    }

    @Test(arguments: [
        ("", JSONError.Code.empty), ("   ", .truncated), ("{", .truncated), ("[1,", .truncated), (#""abc"#, .truncated),
        ("{}x", .trailing), ("1 2", .trailing), ("{} {}", .trailing), ("nul", .syntax), ("'a'", .syntax),
        ("{a:1}", .syntax), ("[1,]", .syntax), (#"{"a":1,}"#, .syntax), (#"{"a" 1}"#, .syntax), ("[1 2]", .syntax),
        ("01", .syntax), ("+1", .syntax), ("1.", .syntax), (".5", .syntax), ("NaN", .syntax), ("Infinity", .syntax),
        ("0x10", .trailing), (#""\x""#, .syntax), ("\"\n\"", .syntax), ("// c\n1", .syntax), ("\u{FEFF}1", .syntax),
        ("[1}", .syntax), ("{]", .syntax), ("]", .syntax), ("\"a\u{1}\"", .syntax),
        (#""\ud800""#, .syntax), (#""\udc00""#, .syntax), (#""\ud800\u0041""#, .syntax), (#""\ud83dx""#, .syntax),
        ("9223372036854775808", .numberTooLarge), ("-9223372036854775809", .numberTooLarge),
        ("227451230498120349812034981203498", .numberTooLarge), ("1e400", .numberTooLarge),
        ("-1e999999", .numberTooLarge),
        (#"{"a":1,"a":2}"#, .duplicateMember), (#"{"a":1,"\u0061":2}"#, .duplicateMember),
        (#"{"a\u0000b":1}"#, .nullInName),
    ])
    func whatIsWrongIsNamed(text: String, code: JSONError.Code) {
        let error = error(Array(text.utf8))

        #expect(error?.code == code)
        #expect((0...text.utf8.count).contains(error?.offset ?? -1))
    }

    @Test(
        arguments: [
            [0x22, 0x80, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
            [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22],
            [0x22, 0xF8, 0x88, 0x80, 0x80, 0x80, 0x22],
            [0x22, 0xFF, 0x22], [0xFF], [0x7B, 0x22, 0xC3, 0x22, 0x3A, 0x31, 0x7D],
        ] as [[UInt8]])
    func whatIsNotUTF8IsRefused(bytes: [UInt8]) {
        #expect(error(bytes)?.code == .invalidUTF8)
    }

    @Test func depthIsBoundedWithoutRecursion() {
        let limit = JSONLimits.standard.depth

        #expect(error(Array((String(repeating: "[", count: limit) + String(repeating: "]", count: limit)).utf8)) == nil)
        #expect(
            error(Array((String(repeating: "[", count: limit + 1) + String(repeating: "]", count: limit + 1)).utf8))?
                .code
                == .tooDeep)
        #expect(error(Array(repeating: UInt8(ascii: "["), count: 5_000_000))?.code == .tooDeep)
        #expect(error(Array(String(repeating: #"{"a":"#, count: 500_000).utf8))?.code == .tooDeep)
    }

    @Test func siblingsAndBracketsInStringsAreNotDepth() {
        let siblings = "[" + String(repeating: "[[]],", count: 1000) + "1]"
        let inString = #"["\"[[{{\\",""# + String(repeating: "[{", count: 1000) + #"\\"]"#

        #expect(error(Array(siblings.utf8)) == nil)
        #expect(error(Array(inString.utf8)) == nil)
        #expect(error(Array((inString.dropLast() + "," + String(repeating: "[", count: 40)).utf8))?.code == .tooDeep)
    }

    @Test func theNumberOfValuesIsBounded() {
        let limits = JSONLimits(depth: 4, values: 10)

        #expect(error(Array("[1,2,3,4,5,6,7,8,9]".utf8), limits: limits) == nil)
        #expect(error(Array("[1,2,3,4,5,6,7,8,9,10]".utf8), limits: limits)?.code == .tooManyValues)
        #expect(error(Array("[[],[],[],[],[],[]]".utf8), limits: limits)?.code == .tooManyValues)
        #expect(error(Array(#"[",,,,,,,,,,,,,,,,[[[[[[","\",,,,,,,,,"]"#.utf8), limits: limits) == nil)
        #expect(error(Array(("[" + String(repeating: "{},", count: 100_000) + "1]").utf8))?.code == .tooManyValues)
    }

    @Test func randomBytesNeverTrap() {
        var generator = SeededGenerator(seed: 1)
        var accepted = 0
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                UInt8.random(in: .min ... .max, using: &generator)
            }
            if error(bytes) == nil { accepted += 1 }
        }

        // Single digits are JSON; anything longer is next to impossible.
        #expect(accepted < 1000)
    }

    @Test func damagedFramesAreRefusedOrReadBackTheSame() throws {
        let frame = Array(Self.frame.utf8)
        let alphabet = Array("{}[]\",:\\u0dtfn-1e.\0\u{7F} ".utf8) + [0x80, 0xC3, 0xFF]
        var generator = SeededGenerator(seed: 2)
        var refused = 0
        for _ in 0..<10_000 {
            var bytes = frame
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = alphabet.randomElement(using: &generator) ?? 0
                case 1: bytes.remove(at: index)
                default: bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: index)
                }
            }
            guard let value = try? JSONValue.parse(bytes) else {
                refused += 1
                continue
            }
            var first = JSONWriter()
            first.value(value)
            var second = JSONWriter()
            second.value(try JSONValue.parse(first.bytes))
            #expect(first.bytes == second.bytes)
        }

        #expect(refused > 5_000)
    }

    @Test func errorsDoNotQuoteTheText() {
        for text in [
            #"{"password":"hunter2"#, #"{"password":hunter2}"#, #"{"hunter2":1,"hunter2":2}"#, #""hunter2" x"#,
        ] {
            let error = error(Array(text.utf8))

            #expect(error != nil)
            #expect(error.map { "\($0)" }?.contains("hunter") == false)
        }
        for code in JSONError.Code.allCases {
            #expect(JSONError(code, at: 41).description.hasSuffix(" (at byte 41)"))
        }
    }
}
