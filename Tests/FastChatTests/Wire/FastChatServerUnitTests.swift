// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FastChat
import JSON
import Testing

@Suite struct FastChatServerUnitTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// What a client makes of an array of these objects.
    private func read(_ objects: [[UInt8]]) throws -> FastChatServerUnit {
        var arrays = FastChatArrays()
        for object in objects { arrays.append(object) }
        let unit = arrays.next()
        return try FastChatServerUnit(decoding: try #require(unit).bytes)
    }

    // spec: FastChat, server to client: clients compare the words
    @Test(
        arguments: [
            (.registered, "Registered and Connected", 0),
            (.userTaken, "User already present! Choose different username", 1), (.loggedIn, "Succesful Login!", 0),
            (.logInFailed, "Invalid Login! Authentication failed.", 1), (.refused("Closed."), "Closed.", 1),
        ] as [(FastChatReply, String, Int)])
    func repliesAreWordForWord(reply: FastChatReply, message: String, response: Int) throws {
        let bytes = reply.encoded()

        #expect(text(bytes) == #"{"type":"server reply","server_message":"\#(message)","response":\#(response)}"#)
        #expect(try FastChatServerUnit(decoding: bytes) == .reply(reply))
        #expect(reply.isFinal == (response == 1))
    }

    @Test func keysAreAnObjectByNumberOrMinusOne() throws {
        let some = FastChatKeysReply(
            [
                FastChatKeysReply.Key(user: FastChatSample.user(8), pem: "A\n"),
                FastChatKeysReply.Key(user: FastChatSample.user(9), pem: "B"),
            ], isGroup: true)
        let alone = FastChatKeysReply([], isGroup: true)
        let none = FastChatKeysReply(nil, isGroup: false)

        #expect(
            text(some.encoded())
                == #"{"type":"keys","from":"server","message":{"8":"A\n","9":"B"},"isgroup":1,"response":0}"#)
        #expect(
            text(alone.encoded()) == #"{"type":"keys","from":"server","message":{},"isgroup":1,"response":0}"#)
        #expect(
            text(none.encoded()) == #"{"type":"keys","from":"server","message":-1,"isgroup":0,"response":0}"#)
        #expect(
            try read([some, alone, none].map { $0.encoded() }) == .items([.keys(some), .keys(alone), .keys(none)]))
    }

    @Test func noticesHaveAllThatTheOldClientReads() throws {
        let notice = FastChatNotice.refused("dest is missing")
        let bytes = notice.encoded(for: FastChatSample.user(7), time: "T")

        #expect(
            text(bytes)
                == #"{"type":"msg","from":"server","group":0,"dest":7,"message":"Request refused: dest is missing","#
                + #""time":"T","isgroup":1,"response":0}"#)
        #expect(try read([bytes]) == .items([.notice(notice, time: "T")]))
        let group = FastChatSample.group(3)
        #expect(FastChatNotice.created(group).text == "You have successfully created the group: 3")
        #expect(
            FastChatNotice.added(to: group, by: FastChatSample.user(7)).text == "You have been added to group 3 by 7")
        #expect(
            FastChatNotice.removed(from: group, by: FastChatSample.user(7)).text
                == "You have been removed from group 3 by 7")
        #expect(FastChatNotice.created(group).group == group)
    }

    @Test func resultCodesAreThoseOfTheSourceSystem() {
        #expect(FastChatAddRefusal.allCases.map(\.rawValue) == [-1, -2, -3, -4])
        #expect(FastChatRemoveRefusal.allCases.map(\.rawValue) == [-1, -2, -3])
        #expect(FastChatAddRefusal(rawValue: -4) == .noSuchUser)
        #expect(FastChatRemoveRefusal(rawValue: -2) == .notMember)
        #expect(Set(FastChatAddRefusal.allCases.map(\.detail)).count == 4)
        #expect(Set(FastChatRemoveRefusal.allCases.map(\.detail)).count == 3)
    }

    @Test func messagesAndKeysAndNoticesShareAnArray() throws {
        let notice = FastChatNotice.created(FastChatSample.group(3))

        let unit = try read([
            FastChatSample.direct.encoded(), notice.encoded(for: FastChatSample.user(7), time: "T"),
            FastChatKeysReply(nil, isGroup: true).encoded(),
        ])

        #expect(
            unit
                == .items([
                    .message(FastChatSample.direct), .notice(notice, time: "T"),
                    .keys(FastChatKeysReply(nil, isGroup: true)),
                ]))
    }

    @Test(arguments: [
        "", "{}", #"{"type":"server reply"}"#, "[1]", "[{}]", #"[{"type":"keys","message":-2}]"#,
        #"[{"type":"keys","message":{"x":"A"}}]"#, #"[{"type":"keys","message":{"8":1}}]"#,
        #"[{"type":"msg","from":"server","message":"a","time":"T"}]"#,
    ])
    func aClientRefusesWhatNoServerWrites(json: String) {
        #expect(throws: FastChatDecodeError.self) { try FastChatServerUnit(decoding: Array(json.utf8)) }
    }

    @Test func theBalancerNamesAServerAndSignsItsAddress() throws {
        let assignment = FastChatAssignment(host: "127.0.0.1", port: 8010, sign: "c2ln")

        #expect(
            text(assignment.encoded()) == #"{"server_ip":"127.0.0.1","server_port":8010,"sign":"c2ln"}"#)
        #expect(FastChatAssignment.signedText(host: "127.0.0.1", port: 8010) == "127.0.0.18010")
        #expect(try FastChatAssignment(decoding: assignment.encoded()) == assignment)
        for json in [
            "[]", "{}", #"{"server_ip":"a","server_port":0,"sign":"s"}"#,
            #"{"server_ip":"a","server_port":65536,"sign":"s"}"#,
        ] {
            #expect(throws: FastChatDecodeError.self) { try FastChatAssignment(decoding: Array(json.utf8)) }
        }
    }
}
