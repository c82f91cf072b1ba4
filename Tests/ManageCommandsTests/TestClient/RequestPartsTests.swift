// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@testable import ManageCommands

struct RequestPartsTests {
    private func text(_ tree: JSONTree) -> String {
        var writer = JSONWriter()
        tree.write(to: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private func tree(_ json: String) throws -> JSONTree { JSONTree(try JSONValue.parse(Array(json.utf8))) }

    @Test(arguments: [
        #"{"a":[1,-2.5,true,null,"x\n\"",{}],"b":{"c":[]}}"#, "[]", #""ü""#, "false",
    ]) func treeWritesWhatItRead(_ json: String) throws {
        #expect(text(try tree(json)) == json)
    }

    @Test(arguments: [
        ("data.flow.0.title=News", #"{"data":{"flow":[{"title":"News"}]}}"#),
        ("data.flow.0.uuid=12345", #"{"data":{"flow":[{"uuid":"12345"}]}}"#),
        ("data.flow.0.message_start=7", #"{"data":{"flow":[{"message_start":7}]}}"#),
        ("data.user.0.is_bot=yes", #"{"data":{"user":[{"is_bot":true}]}}"#),
        ("meta.push=true", #"{"meta":{"push":true}}"#),
        (#"data.flow.0.users:=["1",{"x":2}]"#, #"{"data":{"flow":[{"users":["1",{"x":2}]}]}}"#),
        ("data.message.0.text=a=b:=c", #"{"data":{"message":[{"text":"a=b:=c"}]}}"#),
        ("type=", #"{"type":""}"#),
    ]) func assignmentMakesWhatIsMissing(argument: String, expected: String) throws {
        let assignment = try #require(MemberAssignment(argument: argument))
        var tree = JSONTree.null

        try tree.set(assignment.path[...], to: assignment.value)

        #expect(text(tree) == expected)
    }

    @Test func assignmentReplacesAndAppends() throws {
        var tree = try tree(#"{"a":[{"b":1},2],"c":3}"#)

        try tree.set(["a", "0", "b"], to: .text("new"))
        try tree.set(["a", "2"], to: .bool(true))
        try tree.set(["d"], to: .null)

        #expect(text(tree) == #"{"a":[{"b":"new"},2,true],"c":3,"d":null}"#)
    }

    @Test(arguments: [["a", "3"], ["a", "x"], ["a", "99999999999999999999"], ["c", "x"], ["a", "1", "z"]])
    func placeThatCannotBeIsRefused(_ path: [String]) throws {
        var tree = try tree(#"{"a":[{"b":1},2],"c":3}"#)

        #expect(throws: JSONPathError.self) { try tree.set(path[...], to: .null) }
    }

    @Test(arguments: [
        "title", "=x", "a..b=x", ".a=x", "data.time=soon", "data.flow.0.users:=[", "meta.push=maybe",
        String(repeating: "a.", count: 16) + "a=x",
    ]) func whatIsNoAssignmentIsRefused(_ argument: String) {
        #expect(MemberAssignment(argument: argument) == nil)
    }

    @Test(arguments: [
        ("data.user.0.password=x", true), ("data.user.0.auth_id=x", true), (#"data.user:=[{"auth_id":"x"}]"#, true),
        ("data.user.0.password.0=x", false), ("data.user.0.login=password", false),
    ]) func secretsAreRecognised(argument: String, isSecret: Bool) throws {
        #expect(try #require(MemberAssignment(argument: argument)).isSecret == isSecret)
    }

    @Test(arguments: ["x=y", "picture", "picture=", "Picture=a"]) func whatIsNoAttachmentIsRefused(_ argument: String) {
        #expect(AttachmentFile(argument: argument) == nil)
    }

    @Test func jsonForPeopleIsIndentedColouredAndCut() throws {
        let long = String(repeating: "x", count: 500)
        let value = try JSONValue.parse(
            Array(#"{"a":[1,true,{}],"b":"\u202e\#(long)","c":[],"d":null,"e\u009b":"\u001b[2J"}"#.utf8))

        let plain = JSONDisplay(style: TextStyle(isColored: false)).text(of: value)
        let coloured = JSONDisplay(style: TextStyle(isColored: true)).text(of: value)

        #expect(
            plain == """
                {
                  "a": [
                    1,
                    true,
                    {}
                  ],
                  "b": "\\u{202e}\(String(repeating: "x", count: 399))" … (503 bytes),
                  "c": [],
                  "d": null,
                  "e\\u{9b}": "\\u001b[2J"
                }

                """)
        #expect(coloured.contains("\u{1B}[36m\"a\"\u{1B}[0m: ["))
        #expect(!coloured.contains("\u{1B}[2J"))
    }
}
