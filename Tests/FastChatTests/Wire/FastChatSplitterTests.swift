// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FastChat
import HostileText
import TestSupport
import Testing

@Suite struct FastChatSplitterTests {
    private static let values = [
        "{}", "[]", #"{"type":"close"}"#, #"[{"a":1},{"b":[2,3]}]"#, #"{"a":"}{]["}"#, #"{"a":"\"}"}"#, #"{"a":"\\"}"#,
        #"{"a\"{":"\\\"[\u007b"}"#, #"{"é👋🏽":"ü}"}"#, #"{ "a" : [ [ ] , { } ] }"#, #"[""]"#, #"["\\\\",""]"#,
    ]

    /// What comes of these pieces; values as text.
    private func pieces(_ input: [[UInt8]], maximumBytes: Int = 4096, maximumDepth: Int = 32) -> [String] {
        var splitter = FastChatSplitter(maximumBytes: maximumBytes, maximumDepth: maximumDepth)
        return input.flatMap { splitter.receive($0) }.map(text)
    }

    private func pieces(_ input: String, maximumBytes: Int = 4096, maximumDepth: Int = 32) -> [String] {
        pieces([Array(input.utf8)], maximumBytes: maximumBytes, maximumDepth: maximumDepth)
    }

    private func text(_ piece: FastChatSplitter.Piece) -> String {
        switch piece {
        case .value(let bytes): String(decoding: bytes, as: UTF8.self)
        case .refusal(let error): error.isUnparseable ? "refused" : "refused, though JSON"
        }
    }

    /// Each byte costs what it is, not what came before it.
    @Test func aValueInSinglePiecesTakesTimeInProportion() {
        func receive(_ count: Int) {
            var splitter = FastChatSplitter(maximumBytes: 1 << 20, maximumDepth: 32)
            let value = Array(#"[""#.utf8) + [UInt8](repeating: 0x61, count: count) + Array(#""]"#.utf8)
            for byte in value { _ = splitter.receive([byte]) }
        }

        let ratio = HostileText.ratio({ receive(320_000) }, to: { for _ in 0..<16 { receive(20_000) } })

        #expect(ratio < 8)
    }

    @Test(arguments: values)
    func aValueIsFoundHoweverItIsCut(value: String) {
        let bytes = Array(value.utf8)

        #expect(pieces(value) == [value])
        #expect(pieces(bytes.map { [$0] }) == [value])
        for first in 0...bytes.count {
            for second in first...bytes.count {
                #expect(pieces([bytes[..<first], bytes[first..<second], bytes[second...]].map(Array.init)) == [value])
            }
        }
        for length in 0..<bytes.count { #expect(pieces([Array(bytes[..<length])]) == []) }
    }

    @Test(arguments: ["", " ", "\n", "\r\n\t "])
    func gluedValuesAreToldApart(space: String) {
        let stream = Self.values.joined(separator: space) + space

        #expect(pieces(stream) == Self.values)
        #expect(pieces(stream.utf8.map { [$0] }) == Self.values)
        #expect(pieces(space + stream + stream) == Self.values + Self.values)
    }

    @Test(arguments: [
        ("hello", ["refused"]), ("hello{}", ["refused", "{}"]), ("}{}", ["refused", "{}"]),
        ("]]]] []", ["refused", "[]"]),
        ("1 2", ["refused", "refused"]), ("GET / HTTP/1.1\r\n\r\n", ["refused", "refused", "refused"]),
        ("null\n{}", ["refused", "{}"]), ("{},{}", ["{}", "refused", "{}"]), (#""a" {}"#, ["refused", "{}"]),
        ("\u{FEFF}{}", ["refused", "{}"]), ("{}\0{}", ["{}", "refused", "{}"]),
    ])
    func whatBeginsLikeNoValueIsRefusedOnce(input: String, expected: [String]) {
        #expect(pieces(input) == expected)
        #expect(pieces(input.utf8.map { [$0] }) == expected)
    }

    @Test func bracketsOnlyHaveToBalance() {
        // What is in a value is the parser's affair.
        #expect(pieces("{]{}") == ["{]", "{}"])
        #expect(pieces("[}}") == ["[}", "refused"])
    }

    @Test func theLimitOfBytesIsExact() {
        let fitting = #"{"a":""# + String(repeating: "x", count: 92) + #""}"#
        let larger = #"{"a":""# + String(repeating: "}", count: 93) + #""}"#

        #expect(fitting.utf8.count == 100)
        for cut in [1, 7, 100] {
            let input = Array((fitting + larger + fitting).utf8)
            let parts = stride(from: 0, to: input.count, by: cut).map { Array(input[$0..<min($0 + cut, input.count)]) }
            #expect(pieces(parts, maximumBytes: 100) == [fitting, "refused", fitting])
        }
    }

    @Test func whatIsTooLargeIsSkippedToItsEndAndNotKept() {
        var splitter = FastChatSplitter(maximumBytes: 1000)
        let refusals = splitter.receive(Array((#"{"a":""# + String(repeating: "]", count: 1500)).utf8))

        #expect(refusals.count == 1)
        #expect(splitter.bufferedBytes == 0)
        // It is inside the value still: what follows is none of its own.
        #expect(splitter.receive(Array(#"\"}","b":[{}]}{"c":1}"#.utf8)) == [.value(Array(#"{"c":1}"#.utf8))])
    }

    @Test(arguments: ["{\"a\":\"", "[", "x", "{\"a\":[", "[\"\\"])
    func whatNeverEndsIsRefusedAgainAndAgainAndHoldsNothing(beginning: String) {
        var splitter = FastChatSplitter(maximumBytes: 1000)
        var refusals = splitter.receive(Array(beginning.utf8)).count
        for _ in 0..<100 {
            refusals += splitter.receive([UInt8](repeating: UInt8(ascii: "y"), count: 100)).count
            #expect(splitter.bufferedBytes <= 1000)
        }

        #expect((9...11).contains(refusals))
    }

    @Test func theLimitCanBeRaisedInTheMiddleOfAStream() {
        var splitter = FastChatSplitter(maximumBytes: 10)
        let value = Array(#"{"a":"123456789"}"#.utf8)

        #expect(splitter.receive(value).map(text) == ["refused"])
        splitter.maximumBytes = 100
        #expect(splitter.receive(value) == [.value(value)])
    }

    @Test func depthIsBoundedWithoutRecursion() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(pieces(nested(32) + "{}") == [nested(32), "{}"])
        #expect(pieces(nested(33) + "{}") == ["refused", "{}"])
        #expect(pieces([[UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)], maximumBytes: 1 << 20) == ["refused"])
        #expect(pieces(#"{"a":"\#(String(repeating: "[", count: 500))"}"#).count == 1)
    }

    @Test func aLargeValueInSmallPiecesArrivesWhole() {
        let value = Array((#"[{"message":""# + String(repeating: #"\"}]"#, count: 75_000) + #""}]"#).utf8)
        var splitter = FastChatSplitter()
        var found: [FastChatSplitter.Piece] = []

        for byte in value { found += splitter.receive([byte]) }

        #expect(found == [.value(value)])
        #expect(splitter.bufferedBytes == 0)
        #expect(splitter.receive(Array("{}".utf8)) == [.value(Array("{}".utf8))])
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func randomInputMeansTheSameInEveryCut(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array(#"{}[]"\ ,:ax1"#.utf8) + [0x0A, 0xC3, 0x00]
        for _ in 0..<40 {
            let stream: [UInt8] = (0..<Int.random(in: 1...8, using: &generator)).flatMap { _ -> [UInt8] in
                if Bool.random(using: &generator) {
                    return Array(Self.values.randomElement(using: &generator)?.utf8 ?? "".utf8)
                }
                return (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
                }
            }

            var parts: [[UInt8]] = []
            var rest = stream[...]
            while !rest.isEmpty {
                let size = Int.random(in: 1...9, using: &generator)
                parts.append(Array(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }

            #expect(
                pieces(parts, maximumBytes: 50, maximumDepth: 4) == pieces([stream], maximumBytes: 50, maximumDepth: 4))
        }
    }
}
