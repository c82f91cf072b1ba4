// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

@Suite struct JSONWriterTests {
    private func written(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func containersGetTheirCommas() {
        let text = written { writer in
            writer.beginObject()
            writer.key("empty")
            writer.beginObject()
            writer.endObject()
            writer.key("list")
            writer.beginArray()
            writer.int(1)
            writer.bool(true)
            writer.null()
            writer.beginArray()
            writer.endArray()
            writer.string("x")
            writer.beginObject()
            writer.key("a")
            writer.int(Int64(2))
            writer.endObject()
            writer.endArray()
            writer.key(escaping: "q\"")
            writer.raw("[1,2]")
            writer.key("raw")
            writer.raw(Array("{}".utf8))
            writer.endObject()
        }

        #expect(text == #"{"empty":{},"list":[1,true,null,[],"x",{"a":2}],"q\"":[1,2],"raw":{}}"#)
    }

    @Test func whatNeedsAnEscapeGetsOne() {
        #expect(written { $0.string("") } == #""""#)
        #expect(written { $0.string("plain é😀 / \u{7F}") } == "\"plain é😀 / \u{7F}\"")
        #expect(written { $0.string("\"\\\n\r\t\0\u{1}\u{1F}") } == #""\"\\\n\r\t\u0000\u0001\u001f""#)
        #expect(written { $0.string("a\"b\"\"c") } == #""a\"b\"\"c""#)
    }

    @Test func everyCharacterComesBack() throws {
        for scalar in (UInt32(0)...0x2FF).compactMap(Unicode.Scalar.init) {
            let text = "<\(Character(scalar))>"
            let bytes = Array(written { $0.string(text) }.utf8)

            #expect(try JSONValue.parse(bytes).string == text)
        }
    }

    @Test func numbersComeBack() throws {
        for number in [Int64.min, -1, 0, 1, 9, 10, 99, 100, 1_594_492_370, .max] {
            #expect(written { $0.int(number) } == "\(number)")
        }
        for number in [0.1, -2.5e-300, 1e22, 1.7976931348623157e308, .leastNonzeroMagnitude, 123456789.125] {
            #expect(try JSONValue.parse(Array(written { $0.double(number) }.utf8)).double == number)
        }
        #expect(written { $0.double(.nan) } == "null")
        #expect(written { $0.double(-.infinity) } == "null")
    }

    @Test func aTextOfAnotherDocumentIsWrittenAsItWas() throws {
        let long = String(repeating: "Zm9v/\\\"\u{7}é", count: 50_000)
        var first = JSONWriter()
        first.string(long)

        let text = try #require(try JSONValue.parse(first.bytes).text)
        var second = JSONWriter()
        second.string(text)

        #expect(text.utf8Count == long.utf8.count)
        #expect(second.bytes == first.bytes)
        #expect(text == JSONText(long))
        #expect(text.hashValue == JSONText(long).hashValue)
    }

    @Test func aTextWithEscapesIsWrittenInItsShortestForm() throws {
        let value = try JSONValue.parse(Array(#"["\u0041\/\u00e9\n\"", "plain"]"#.utf8))

        #expect(written { $0.value(value) } == #"["A/é\n\"","plain"]"#)
    }

    @Test func aStringMayBeWrittenWhereItStands() {
        let text = written { writer in
            writer.beginArray()
            for word in ["", "seven"] {
                writer.string(capacity: 8) { target in
                    target.copyBytes(from: word.utf8)
                    return word.utf8.count
                }
            }
            writer.endArray()
        }

        #expect(text == #"["","seven"]"#)
    }

    @Test func itContinuesBehindAPrefix() {
        var writer = JSONWriter(appendingTo: Array("head ".utf8))
        writer.int(1)

        #expect(writer.bytes == Array("head 1".utf8))
    }

    @Test func randomTreesComeBack() throws {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<500 {
            var writer = JSONWriter()
            write(to: &writer, depth: 0, &generator)

            var again = JSONWriter()
            again.value(try JSONValue.parse(writer.bytes))

            #expect(again.bytes == writer.bytes)
        }
    }

    private func write(to writer: inout JSONWriter, depth: Int, _ generator: inout SeededGenerator) {
        switch Int.random(in: 0..<(depth < 5 ? 8 : 6), using: &generator) {
        case 0: writer.null()
        case 1: writer.bool(Bool.random(using: &generator))
        case 2: writer.int(Int64.random(in: .min ... .max, using: &generator))
        case 3: writer.double(Double.random(in: -1e9...1e9, using: &generator))
        case 4, 5: writer.string(text(&generator))
        case 6:
            writer.beginArray()
            for _ in 0..<Int.random(in: 0..<5, using: &generator) { write(to: &writer, depth: depth + 1, &generator) }
            writer.endArray()
        default:
            writer.beginObject()
            for index in 0..<Int.random(in: 0..<5, using: &generator) {
                writer.key(escaping: "\(index)" + text(&generator).filter { $0 != "\0" })
                write(to: &writer, depth: depth + 1, &generator)
            }
            writer.endObject()
        }
    }

    private func text(_ generator: inout SeededGenerator) -> String {
        let scalars = (0..<Int.random(in: 0..<12, using: &generator)).compactMap { _ in
            Unicode.Scalar(
                UInt32.random(in: 0...0x1FFFF, using: &generator) >> UInt32.random(in: 0...12, using: &generator))
        }
        return String(String.UnicodeScalarView(scalars))
    }
}
