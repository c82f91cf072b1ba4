// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FastChat
import JSON
import TestSupport
import Testing

@Suite struct FastChatMessageTests {
    /// What a recipient gets of a message sent as `json`.
    private func delivered(_ json: String) throws -> [JSONValue] {
        switch try FastChatRequest(decoding: Array(json.utf8)) {
        case .direct(let message): [try JSONValue.parse(message.encoded())]
        case .group(let message):
            try message.copies.map { try JSONValue.parse(FastChatMessage(message.header, $0).encoded()) }
        default: []
        }
    }

    @Test func aMessageIsPassedOnWithTheMembersOfItsSender() throws {
        let json =
            #"{"colour":"r\u0065d","type":"msg","time":"T","dest":8,"from":7,"message":"C+/=","isgroup":0,"#
            + #""response":3,"key":"K","x":{"a":[1,2.5,null,true]},"":"é"}"#

        let message = try #require(try delivered(json).first)

        let sent = try JSONValue.parse(Array(json.utf8))
        #expect(message.members.map { Set($0.map(\.name)) } == sent.members.map { Set($0.map(\.name)) })
        for name in ["colour", "type", "time", "message", "key", ""] {
            #expect(message[name]?.string == sent[name]?.string)
        }
        for name in ["dest", "from", "isgroup", "response"] { #expect(message[name]?.int == sent[name]?.int) }
        #expect(message["x"]?["a"]?.array?.map(\.kind) == [.integer, .real, .null, .bool])
    }

    @Test func aGroupMessageReachesEachMemberWithTheirOwnCiphertext() throws {
        let sample = try #require(FastChatSample.all.first { $0.name == "group message" })

        let messages = try delivered(sample.json)

        #expect(messages.map { $0["dest"]?.int } == [8, 9])
        #expect(messages.map { $0["message"]?.string } == [FastChatSample.cipher, FastChatSample.cipher + "9"])
        #expect(messages.map { $0["key"]?.string } == [FastChatSample.secret, FastChatSample.secret + "9"])
        #expect(messages.allSatisfy { $0["group"]?.int == 3 && $0["isgroup"]?.int == 1 && $0["from"]?.int == 7 })
        #expect(messages.allSatisfy { $0["time"]?.string == FastChatSample.time })
    }

    @Test(arguments: [
        (#""T""#, "T"), ("1763706000", "1763706000"), ("12.5", "12.5"), ("null", ""), (#""""#, ""),
        (#""\u00e9\n""#, "é\n"),
    ])
    func theTimeIsAlwaysText(json: String, text: String) throws {
        let message = try #require(
            try delivered(#"{"type":"msg","dest":8,"from":7,"message":"C","key":"K","time":\#(json)}"#).first)

        #expect(message["time"]?.string == text)
    }

    @Test func theCiphertextIsNeverTouched() throws {
        var generator = SeededGenerator(seed: 3)
        let alphabet = Array("ABCxyz019+/=\"\\/ é€👋\n\t\u{7F}\u{1}")
        for _ in 0..<300 {
            let body = String(
                (0..<Int.random(in: 0...50, using: &generator)).compactMap { _ in
                    alphabet.randomElement(using: &generator)
                })
            let message = FastChatMessage(
                FastChatSample.direct.header,
                FastChatCopy(recipient: FastChatSample.user(8), body: JSONText(body), key: JSONText(body)))

            let request = try FastChatRequest(decoding: message.encoded())

            #expect(request == .direct(message))
        }
    }

    @Test func whatTheLogKeepsGivesTheHeaderBack() throws {
        let header = FastChatHeader(
            kind: .image, sender: FastChatSample.user(7), group: FastChatSample.group(3), time: "T\"", response: 2,
            others: [FastChatHeader.Member(name: "x\"", json: Array(#"{"a":[1]}"#.utf8))])
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("from", "somebody else")
        header.writeKeptMembers(to: &writer)
        writer.member("key", Int64(1))
        writer.endObject()

        let kept = try JSONValue.parse(writer.bytes)

        #expect(FastChatHeader(kept: kept, sender: header.sender, group: header.group) == header)
        #expect(FastChatHeader(kept: try JSONValue.parse(Array("{}".utf8)), sender: header.sender, group: nil) == nil)
        #expect(
            FastChatHeader(
                kept: try JSONValue.parse(Array(#"{"type":"rich","time":""}"#.utf8)), sender: header.sender, group: nil)
                == nil)
    }

    @Test(
        arguments: [
            (0, "1970-01-01 00:00:00.000"), (-1, "1969-12-31 23:59:59.999"),
            (951_782_400_000, "2000-02-29 00:00:00.000"),
            (1_709_251_199_999, "2024-02-29 23:59:59.999"), (1_709_251_200_000, "2024-03-01 00:00:00.000"),
            (4_107_542_399_001, "2100-02-28 23:59:59.001"), (4_107_542_400_000, "2100-03-01 00:00:00.000"),
            (1_795_243_000_123, "2026-11-21 06:36:40.123"), (-62_135_596_800_000, "0001-01-01 00:00:00.000"),
        ] as [(Int64, String)])
    func timesAreWrittenInUTC(milliseconds: Int64, text: String) {
        #expect(FastChatTime.text(milliseconds: milliseconds) == text)
    }

    @Test func noTimeTraps() {
        #expect(!FastChatTime.text(milliseconds: .max).isEmpty)
        #expect(!FastChatTime.text(milliseconds: .min).isEmpty)
    }
}
