// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@Suite struct JSONValueTests {
    @Test func everyKindIsReadAsWhatItIs() throws {
        let value = try JSONValue.parse(
            Array(#"{"s":"text","i":-7,"r":1.5,"t":true,"f":false,"n":null,"a":[1,"2"],"o":{"x":{}},"":0}"#.utf8))

        #expect(value.kind == .object)
        #expect(value["s"]?.string == "text")
        #expect(value["i"]?.int == -7)
        #expect(value["r"]?.double == 1.5)
        #expect(value["t"]?.bool == true)
        #expect(value["f"]?.bool == false)
        #expect(value["n"]?.isNull == true)
        #expect(value["a"]?.array?.map(\.kind) == [.integer, .string])
        #expect(value["o"]?["x"]?.members?.underestimatedCount == 0)
        #expect(value[""]?.int == 0)
        #expect(value[String("i")]?.int == -7)
        #expect(value[String("")]?.int == 0)
    }

    @Test func accessorsOfAnotherTypeAnswerNil() throws {
        for text in [#""text""#, "1", "1.5", "true", "null", "[1]", #"{"a":1}"#] {
            let value = try JSONValue.parse(Array(text.utf8))

            #expect((value.string != nil) == (value.kind == .string))
            #expect((value.text != nil) == (value.kind == .string))
            #expect((value.withStringBytes { $0.count } != nil) == (value.kind == .string))
            #expect((value.bool != nil) == (value.kind == .bool))
            #expect((value.array != nil) == (value.kind == .array))
            #expect((value.members != nil) == (value.kind == .object))
            #expect((value["a"] != nil) == (value.kind == .object))
            #expect((value.int != nil) == (value.kind == .integer))
            #expect((value.double != nil) == (value.kind == .integer || value.kind == .real))
        }
    }

    @Test func membersComeInTheOrderOfTheText() throws {
        let value = try JSONValue.parse(Array(#"{"z":1,"a":2,"m":3,"0":4}"#.utf8))

        #expect(value.members?.map(\.name) == ["z", "a", "m", "0"])
        #expect(value.members?.compactMap(\.value.int) == [1, 2, 3, 4])
    }

    @Test func anIntegerMayBeWrittenAsAReal() throws {
        let value = try JSONValue.parse(Array("[1.0, 1594492370e0, 1.5, 1e300]".utf8))

        #expect(value.array?.map(\.int) == [1, 1_594_492_370, nil, nil])
    }

    @Test func theExtremesOfIntegersFit() throws {
        let value = try JSONValue.parse(Array("[9223372036854775807, -9223372036854775808]".utf8))

        #expect(value.array?.map(\.int) == [.max, .min])
    }

    @Test func valuesAndTextsOutliveTheTextTheyCameFrom() throws {
        func parse() throws -> (JSONValue?, JSONText?) {
            let value = try JSONValue.parse(Array(#"{"a":{"b":"kept alive by what was taken out of it"}}"#.utf8))
            return (value["a"], value["a"]?["b"]?.text)
        }

        let (value, text) = try parse()

        #expect(value?["b"]?.string == "kept alive by what was taken out of it")
        #expect(text == "kept alive by what was taken out of it")
        #expect(text?.utf8Count == 38)
    }

    @Test func escapesAreUndone() throws {
        let value = try JSONValue.parse(Array(#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀""#.utf8))

        #expect(value.string == "\"\\/\u{8}\u{C}\n\r\té😀é😀")
    }

    @Test func escapesMayBeAnywhereInALongText() throws {
        let plain = "0123456789 äöü 😀 "
        for position in 0...plain.unicodeScalars.count {
            for (escape, meaning) in [(#"\n"#, "\n"), (#"\\"#, "\\"), (#"\ud83d\ude00"#, "😀"), (#"\u0000"#, "\0")] {
                let start = String(String.UnicodeScalarView(plain.unicodeScalars.prefix(position)))
                let rest = String(String.UnicodeScalarView(plain.unicodeScalars.dropFirst(position)))
                let value = try JSONValue.parse(Array("\"\(start)\(escape)\(rest)\(escape)\"".utf8))

                #expect(value.text == JSONText(start + meaning + rest + meaning))
            }
        }
    }

    @Test func oneOfVeryManyMembersIsFoundAndRepeatedOnesAreRefused() throws {
        let members = (0..<2_000).map { #""name \#($0)":{"name \#($0)":\#($0)}"# }
        let text = "{" + members.joined(separator: ",")
        let value = try JSONValue.parse(Array((text + "}").utf8))

        #expect(value.members?.underestimatedCount == 2_000)
        #expect(value["name 1999"]?["name 1999"]?.int == 1_999)
        #expect(value["name 2000"] == nil)
        for name in ["name 0", "name 15", "name 16", "name 17", #"name 19\u00399"#] {
            #expect(throws: JSONError.self) { try JSONValue.parse(Array((text + #","\#(name)":1}"#).utf8)) }
        }
    }

    @Test func nullCharactersAreKeptAndDetected() throws {
        let value = try JSONValue.parse(Array(#"["a\u0000b", "ab", ""]"#.utf8))

        #expect(value.array?.map(\.string) == ["a\0b", "ab", ""])
        #expect(value.array?.compactMap { $0.text?.containsNull } == [true, false, false])
        #expect(JSONText("a\0").containsNull)
    }

    @Test func manyThreadsMayReadOneTree() async throws {
        let value = try JSONValue.parse(Array(#"{"a":[1,2,3],"b":"text"}"#.utf8))

        let sums = await withTaskGroup(of: Int64.self) { group in
            for _ in 0..<32 {
                group.addTask {
                    (0..<200).reduce(0) { sum, _ in
                        let numbers = value["a"]?.array?.compactMap(\.int) ?? []
                        return sum + numbers.reduce(0, +) + Int64(value["b"]?.text?.utf8Count ?? 0)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }

        #expect(sums == Array(repeating: 2000, count: 32))
    }
}
