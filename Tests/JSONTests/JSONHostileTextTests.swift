// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HostileText
import JSON
import Testing

@Suite struct JSONHostileTextTests {
    private func object(_ name: String, _ text: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key(escaping: name)
        writer.string(text)
        writer.key(escaping: name + "b")
        writer.string(text)
        writer.endObject()
        return writer.bytes
    }

    @Test func namesAndTextsAreComparedByTheirBytes() throws {
        let slowdown = try HostileText.slowdown { text in
            let value = try JSONValue.parse(object(text, text))

            var known = 0
            for (name, value) in try #require(value.members) {
                switch name {
                case "type", "data", "": known += 1
                default: break
                }
                switch value.text {
                case "send", nil: known += 1
                default: break
                }
                #expect(Set([name, "type"]).count == 2)
            }
            #expect(known == 0)
            #expect(value[text]?.text == JSONText(text))
            #expect(value["type"] == nil)
        }

        #expect(slowdown < HostileText.tolerance)
    }

    @Test func objectsOfManyMembersTakeTimeInProportion() throws {
        func object(_ count: Int) -> [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            for number in 0..<count {
                writer.key(escaping: "a name that is the same but for its end \(10_000 + number)")
                writer.string("x")
            }
            writer.endObject()
            return writer.bytes
        }
        let (few, many) = (object(1000), object(16_000))
        func read(_ bytes: [UInt8]) throws {
            let value = try JSONValue.parse(bytes)
            #expect(value["type"] == nil)
        }

        let ratio = try HostileText.ratio({ try read(many) }, to: { for _ in 0..<16 { try read(few) } })

        #expect(ratio < 8)
    }

    @Test func nameIsAWordIfItsBytesAre() throws {
        let value = try JSONValue.parse(Array(#"{"type":1,"typ":2,"":3,"t\u00e9":4,"te\u0301":5}"#.utf8))
        let found = try #require(value.members).map { name, _ in
            switch name {
            case "": "nothing"
            case "type": "type"
            case "t\u{E9}": "composed"
            default: "other"
            }
        }

        #expect(found == ["type", "other", "nothing", "composed", "other"])
    }
}
