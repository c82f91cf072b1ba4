// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FastChat
import JSON
import TestSupport
import Testing

@Suite struct FastChatRequestTests {
    private func decoded(_ json: String) throws(FastChatDecodeError) -> FastChatRequest {
        try FastChatRequest(decoding: Array(json.utf8))
    }

    private func error(_ bytes: [UInt8]) -> FastChatDecodeError? {
        do throws(FastChatDecodeError) {
            _ = try FastChatRequest(decoding: bytes)
            return nil
        } catch {
            return error
        }
    }

    private func refusal(_ json: String) -> String? {
        error(Array(json.utf8))?.detail
    }

    // spec: FastChat, the table of objects from client to server
    @Test(arguments: FastChatSample.all)
    func everyObjectOfTheProtocolIsUnderstood(sample: FastChatSample) throws {
        #expect(try decoded(sample.json) == sample.request)
        #expect(try FastChatRequest(decoding: sample.request.encoded(time: FastChatSample.time)) == sample.request)
    }

    @Test(arguments: FastChatSample.all)
    func everyTruncationIsRefused(sample: FastChatSample) {
        let bytes = Array(sample.json.utf8)

        for length in 0..<bytes.count {
            #expect(error(Array(bytes[..<length]))?.isUnparseable == true)
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func damagedRequestsAreReadOrRefused(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for sample in FastChatSample.all {
            for _ in 0..<50 {
                var bytes = Array(sample.json.utf8)
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let place = Int.random(in: 0..<bytes.count, using: &generator)
                    bytes[place] = UInt8.random(in: 0...255, using: &generator)
                }

                // Either refused, or it means something that can be written and read again.
                guard error(bytes) == nil else { continue }
                let request = try FastChatRequest(decoding: bytes)
                #expect(try FastChatRequest(decoding: request.encoded()) == request)
            }
        }
    }

    @Test func numbersMayBeTextAsOldClientsWriteThem() throws {
        #expect(
            try decoded(#"{"type":"login","user":"007","password":"p","sign":"s"}"#)
                == .logIn(FastChatSample.user(7), password: "p", sign: "s"))
        #expect(
            try decoded(#"{"type":"keys","from":" 7 ","message":"8","isgroup":"0"}"#)
                == .userKey(FastChatSample.user(8), from: FastChatSample.user(7)))
        #expect(
            try decoded(#"{"type":"keys","from":7.0,"message":"3","isgroup":true}"#)
                == .groupKeys(FastChatSample.group(3), from: FastChatSample.user(7)))
        #expect(
            try decoded(#"{"type":"msg","dest":"8","from":"7","message":"C","key":"K","time":1.5}"#)
                == .direct(
                    FastChatMessage(
                        FastChatHeader(kind: .text, sender: FastChatSample.user(7), time: "1.5"),
                        FastChatCopy(recipient: FastChatSample.user(8), body: "C", key: "K"))))
    }

    @Test(
        arguments: [
            ("\"2,3,4\"", [2, 3, 4]), ("\" 2, 3 ,4,\"", [2, 3, 4]), ("5", [5]), ("[2,\"3\"]", [2, 3]), ("\"\"", []),
            ("\",, ,\"", []), ("\"2,3,2,2\"", [2, 3]), ("[]", []),
            ("\"0,999999999999999999\"", [0, 999_999_999_999_999_999]),
        ] as [(String, [Int64])])
    func aGroupIsCreatedWithAnyListOfMembers(list: String, members: [Int64]) throws {
        let request = try decoded(#"{"type":"msg","dest":\#(list),"from":7,"message":"create_group","isgroup":1}"#)

        #expect(request == .createGroup(members: members.map { FastChatSample.user($0) }, from: FastChatSample.user(7)))
    }

    @Test func aGroupMessageForOneMayComeWithoutItsArray() throws {
        let object = #"{"type":"img","dest":8,"group":3,"from":7,"message":"C","isgroup":1,"key":"K"}"#

        #expect(try decoded(object) == decoded("[\(object)]"))
        #expect(try decoded(object).sender == FastChatSample.user(7))
    }

    @Test func wordsOfTheProtocolAreNoCommandsInADirectMessage() throws {
        let request = try decoded(#"{"type":"msg","dest":8,"from":7,"message":"create_group","isgroup":0,"key":"K"}"#)

        guard case .direct(let message) = request else {
            Issue.record("A direct message was taken for a command.")
            return
        }
        #expect(message.copy.body == "create_group")
    }

    @Test(arguments: ["", "{", "{]", #"{"type":"msg","type":"msg"}"#, #"{"type":"\xFF"}"#, "{} {}"])
    func whatIsNoJSONIsTold(json: String) {
        let error = error(Array(json.utf8))

        #expect(error?.detail.hasPrefix("not a JSON value: ") == true)
        #expect(error?.isUnparseable == true)
    }

    @Test(arguments: [
        ("1", "the request must be an object, not an integer"),
        ("{}", "type is missing: it must be a string"),
        (#"{"type":null}"#, "type is missing: it must be a string"),
        (#"{"type":7}"#, "type must be a string"),
        (#"{"type":"rich"}"#, "type must be new, login, close, keys, msg or img"),
        (#"{"type":"new"}"#, "user is missing: it must be an integer, 0 or more"),
        (#"{"type":"new","user":-7}"#, "user must be an integer, 0 or more"),
        (#"{"type":"new","user":"seven"}"#, "user must be an integer, 0 or more"),
        (#"{"type":"new","user":"1234567890123456789"}"#, "user must be an integer, 0 or more"),
        (#"{"type":"new","user":7.5}"#, "user must be an integer, 0 or more, not a number with a fraction"),
        (#"{"type":"new","user":[7]}"#, "user must be an integer, 0 or more, not an array"),
        (#"{"type":"new","user":true}"#, "user must be an integer, 0 or more, not a boolean"),
        (#"{"type":"new","user":7}"#, "password is missing: it must be a string"),
        (#"{"type":"new","user":7,"password":{}}"#, "password must be a string, not an object"),
        (#"{"type":"new","user":7,"password":"a\u0000b"}"#, "password contains U+0000"),
        (#"{"type":"new","user":7,"password":"p"}"#, "public_key is missing: it must be a string"),
        (#"{"type":"new","user":7,"password":"p","public_key":"k"}"#, "sign is missing: it must be a string"),
        (#"{"type":"login","user":7,"password":"p","sign":0}"#, "sign must be a string"),
        (#"{"type":"keys","message":8}"#, "from is missing: it must be an integer, 0 or more"),
        (#"{"type":"keys","from":7}"#, "message is missing: it must be an integer, 0 or more"),
        (#"{"type":"keys","from":7,"message":8,"isgroup":2}"#, "isgroup must be 0 or 1"),
        (#"{"type":"keys","from":7,"message":8,"isgroup":[]}"#, "isgroup must be 0 or 1, not an array"),
        (#"{"type":"keys","from":7,"message":0,"isgroup":1}"#, "message must be 1 or more"),
        (#"{"type":"msg","dest":8,"from":7}"#, "message is missing: it must be a string"),
        (#"{"type":"msg","dest":8,"from":7,"message":"C"}"#, "key is missing: it must be a string"),
        (#"{"type":"msg","from":7,"message":"C","key":"K"}"#, "dest is missing: it must be an integer, 0 or more"),
        (#"{"type":"msg","dest":8,"message":"C","key":"K"}"#, "from is missing: it must be an integer, 0 or more"),
        (
            #"{"type":"msg","dest":8,"from":7,"message":"C","key":"K","time":[]}"#,
            "time must be a string, not an array"
        ),
        (#"{"type":"msg","dest":8,"from":7,"message":"\u0000","key":"K"}"#, "message contains U+0000"),
        (
            #"{"type":"msg","dest":"server","from":7,"message":"hi"}"#,
            #"message must be "close" where dest is "server""#
        ),
        (
            #"{"type":"msg","dest":"2,x","from":7,"message":"create_group","isgroup":1}"#,
            #"dest must be a list of integers such as "2,3,4""#
        ),
        (
            #"{"type":"msg","dest":{},"from":7,"message":"create_group","isgroup":1}"#,
            #"dest must be a list of integers such as "2,3,4", not an object"#
        ),
        (
            #"{"type":"msg","dest":9,"from":7,"message":"add_to_group","isgroup":1}"#,
            "group is missing: it must be an integer, 0 or more"
        ),
        (
            #"{"type":"msg","dest":9,"group":0,"from":7,"message":"remove_from_group","isgroup":1}"#,
            "group must be 1 or more"
        ),
        ("[7]", "[0] must be an object, not an integer"),
        ("[[]]", "[0] must be an object, not an array"),
        ("[{}]", "[0].isgroup must be 1: an array is a message to a group"),
        (#"[{"isgroup":1}]"#, "[0].group is missing: it must be an integer, 0 or more"),
    ])
    func whatIsWrongIsNamed(json: String, detail: String) {
        #expect(refusal(json) == detail)
        #expect(error(Array(json.utf8))?.isUnparseable == false)
    }

    @Test(arguments: [
        (#""dest":8"#, "[1].dest is in the array already"),
        (#""dest":9,"group":4"#, "[1].group must be the same as [0].group"),
        (#""dest":9,"from":6"#, "[1].from must be the same as [0].from"),
        (#""dest":9,"type":"img""#, "[1].type must be the same as [0].type"),
        (#""dest":9,"key":null"#, "[1].key is missing: it must be a string"),
        (#""dest":9,"isgroup":0"#, "[1].isgroup must be 1: an array is a message to a group"),
    ])
    func theObjectsOfAnArrayAreOneMessage(change: String, detail: String) {
        let members = [
            "type": #""msg""#, "dest": "8", "group": "3", "from": "7", "message": #""C""#, "isgroup": "1",
            "key": #""K""#,
        ]
        let changed = change.split(separator: ",").map { $0.split(separator: ":") }
        let second = members.merging(
            changed.map { ($0[0].filter { $0 != "\"" }, String($0[1])) }, uniquingKeysWith: { _, new in new })
        func object(_ members: [String: String]) -> String {
            "{" + members.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
        }

        #expect(refusal("[\(object(members)),\(object(second))]") == detail)
    }

    @Test func theNumberOfMembersIsBounded() {
        func create(_ count: Int) -> String {
            let list = (1...count).map(String.init).joined(separator: ",")
            return #"{"type":"msg","dest":"\#(list)","from":7,"message":"create_group","isgroup":1}"#
        }

        #expect(refusal(create(10_000)) == nil)
        #expect(refusal(create(10_001)) == "dest names more than 10000 users")
    }

    @Test func refusalsNameMembersAndNeverContents() {
        let refused = refusal(#"{"type":"new","user":"hunter2","password":"hunter2","sign":1}"#)

        #expect(refused?.contains("hunter2") == false)
    }
}
