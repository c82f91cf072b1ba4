// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Settings
import Testing

struct INIDocumentTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var entries: [[String]]
        var testDescription: String { name }
    }

    // What Python's configparser (3.11, without interpolation) reads from the same texts; quotes are ours.
    static let cases: [Case] = [
        Case(
            name: "plain", text: "[A]\nkey = value\nother: two\n",
            entries: [["A", "key", "value"], ["A", "other", "two"]]),
        Case(name: "blanks", text: "[A]\n  key   =   a b  \n", entries: [["A", "key", "a b"]]),
        Case(
            name: "first delimiter", text: "[A]\nkey = a = b : c\nk2: x=y\n",
            entries: [["A", "key", "a = b : c"], ["A", "k2", "x=y"]]
        ),
        Case(
            name: "comments", text: "# x\n; y\n[A]\n # z\nkey = v ; not a comment\n",
            entries: [["A", "key", "v ; not a comment"]]
        ),
        Case(
            name: "continuation", text: "[A]\nkey = one\n  two\n\n  three\n\nnext = 1\n",
            entries: [["A", "key", "one\ntwo\n\nthree"], ["A", "next", "1"]]
        ),
        Case(name: "comment inside", text: "[A]\nkey = one\n# c\n  two\n", entries: [["A", "key", "one\ntwo"]]),
        Case(name: "percent", text: "[A]\nkey = 100%(x)s %%\n", entries: [["A", "key", "100%(x)s %%"]]),
        Case(name: "empty", text: "[A]\nkey =\n", entries: [["A", "key", ""]]),
        Case(name: "empty then continued", text: "[A]\nkey =\n  one\n  two\n", entries: [["A", "key", "\none\ntwo"]]),
        Case(name: "CRLF", text: "[A]\r\nkey = v\r\n  w\r\n", entries: [["A", "key", "v\nw"]]),
        Case(name: "CR", text: "[A]\rkey = v\rx = 1", entries: [["A", "key", "v"], ["A", "x", "1"]]),
        Case(name: "header with a tail", text: "[A] trailing\nkey = v\n", entries: [["A", "key", "v"]]),
        Case(name: "bracket in the header", text: "[a]b]\nkey = v\n", entries: [["a]b", "key", "v"]]),
        Case(
            name: "indented keys", text: "[A]\n  a = 1\n  b = 2\nc = 3\n",
            entries: [["A", "a", "1"], ["A", "b", "2"], ["A", "c", "3"]]
        ),
        Case(name: "deeper key continues", text: "[A]\na = 1\n b = 2\n", entries: [["A", "a", "1\nb = 2"]]),
        Case(name: "letters", text: "[A]\nschlüssel = wört\n", entries: [["A", "schlüssel", "wört"]]),
        Case(name: "double quotes", text: "[A]\nkey = \" v \"\n", entries: [["A", "key", " v "]]),
        Case(name: "single quotes", text: "[A]\nkey = 'it\"s'\n", entries: [["A", "key", "it\"s"]]),
        Case(name: "quotes inside", text: "[A]\nkey = \"a\" and \"b\"\n", entries: [["A", "key", "\"a\" and \"b\""]]),
        Case(name: "one quote", text: "[A]\nkey = \"\n", entries: [["A", "key", "\""]]),
        Case(name: "byte order mark", text: "\u{FEFF}[A]\nkey = v\n", entries: [["A", "key", "v"]]),
        Case(name: "nothing", text: "", entries: []),
    ]

    @Test(arguments: cases) func readsAsConfigparserDoes(_ example: Case) throws {
        let document = try INIDocument(example.text)

        #expect(document.entries.map { [$0.section, $0.name, $0.value] } == example.entries)
        #expect(document.bytes == Array(example.text.utf8))
    }

    @Test func sectionsAndKeysAreFoundWithoutRegardToCase() throws {
        let document = try INIDocument("[Server]\nPort = 1\n[SERVER]\nHOST = h\nport = 2\n[DEFAULT]\nname = x\n")

        #expect(document.entry(section: "SERVER", names: ["PORT"])?.value == "2")
        #expect(document.entry(section: "server", names: ["port"])?.line == 2)
        #expect(document.entry(section: "SERVER", names: ["ADDRESS", "HOST"])?.line == 4)
        #expect(document.entry(section: "SERVER", names: ["NAME"])?.value == "x")
        #expect(document.entry(section: "OTHER", names: ["NAME"]) == nil)
    }

    @Test(arguments: [
        ("key = v\n", 1, "no section header"),
        ("[A]\nkey = 1\nKEY = 2\n", 3, "occurs twice"),
        ("[A]\n[B]\n[A]\n", 3, "occurs twice"),
        ("[A]\nnonsense\n", 2, "neither"),
        ("[A]\n= v\n", 2, "no key"),
        ("[A\nk = v\n", 1, "header"),
        ("[]\n", 1, "header"),
        ("[A]\nk = a\u{0}b\n", 2, "NUL"),
    ]) func mistakeIsReportedWithItsLine(text: String, line: Int, message: String) {
        let error = #expect(throws: INIError.self) { try INIDocument(text) }

        #expect(error?.line == line)
        #expect(error?.message.contains(message) == true)
    }

    @Test func invalidUTF8IsReportedWithItsLine() {
        let error = #expect(throws: INIError.self) {
            try INIDocument(bytes: Array("[A]\nk = ".utf8) + [0xC3, 0x28, 0x0A])
        }

        #expect(error?.line == 2)
        #expect(error?.message == "the line is not valid UTF-8")
    }

    @Test func fileAboveOneMebibyteIsRefused() {
        let bytes = [UInt8](repeating: 0x0A, count: INIDocument.maximumBytes + 1)

        #expect(throws: INIError.self) { try INIDocument(bytes: bytes) }
        #expect((try? INIDocument(bytes: Array(bytes.dropLast()))) != nil)
    }

    @Test func manyLinesAreReadInLinearTime() throws {
        var text = "[A]\n"
        for number in 0..<40_000 { text += "k\(number) = \(number)\n" }

        #expect(try INIDocument(text).entries.count == 40_000)
    }

    @Test(arguments: [
        // (before, value, after)
        ("# top\n[S]\n# about\nPort : 1  \n; end\n[T]\nx=1\n", "2", "# top\n[S]\n# about\nPort : 2\n; end\n[T]\nx=1\n"),
        ("[s]\r\n  port=1\r\n  next = 3\r\n", "2", "[s]\r\n  port=2\r\n  next = 3\r\n"),
        ("[S]\nport =\n", "2", "[S]\nport = 2\n"),
        ("[S]\nport = a\n  b\n  # note\n  c\nnext = 1\n", "2", "[S]\nport = 2\n  # note\nnext = 1\n"),
        (
            "[S]\n# The port\n;PORT = 80\n\n;HOST = h\n[T]\n", "2",
            "[S]\n# The port\n;PORT = 80\nPORT = 2\n\n;HOST = h\n[T]\n"
        ),
        ("[S]\nhost = h\n\n# about T\n[T]\nx = 1\n", "2", "[S]\nhost = h\nPORT = 2\n\n# about T\n[T]\nx = 1\n"),
        ("[S]\n  host = h\n  name = n\n", "2", "[S]\n  host = h\n  name = n\n  PORT = 2\n"),
        ("[S]", "2", "[S]\nPORT = 2\n"),
        ("", "2", "[S]\nPORT = 2\n"),
        ("[T]\nx = 1", "2", "[T]\nx = 1\n\n[S]\nPORT = 2\n"),
        ("[S]\nport = 1", " 2 ", "[S]\nport = \" 2 \"\n"),
        ("[S]\nport = 1\n", "a\n\nb", "[S]\nport = a\n\n    b\n"),
        ("[S]\nport = 1\n", "\"quoted\"", "[S]\nport = '\"quoted\"'\n"),
    ]) func editKeepsEverythingElse(before: String, value: String, after: String) throws {
        var document = try INIDocument(before)

        try document.set(section: "S", names: ["PORT"], to: value)

        #expect(String(decoding: document.bytes, as: UTF8.self) == after)
        #expect(document.entry(section: "S", names: ["PORT"])?.value == value)
    }

    @Test func otherSpellingOfAKeyIsChangedWhereItStands() throws {
        var document = try INIDocument("[HASH_SIZE]\nPASSWORD = 32\n")

        try document.set(section: "HASH_SIZE", names: ["SIZE_PASSWORD", "PASSWORD"], to: "64")

        #expect(String(decoding: document.bytes, as: UTF8.self) == "[HASH_SIZE]\nPASSWORD = 64\n")
    }

    /// Otherwise what was set would have no effect.
    @Test(arguments: [
        ("[server]\nport = 1\n[SERVER]\nPORT = 2\n", "[server]\nport = 1\n[SERVER]\nPORT = 3\n"),
        ("[SERVER]\nOLD_PORT = 1\nPORT = 2\n", "[SERVER]\nOLD_PORT = 1\nPORT = 3\n"),
        ("[server]\nport = 1\n[SERVER]\nHOST = a\n", "[server]\nport = 3\n[SERVER]\nHOST = a\n"),
    ])
    func ofSeveralSpellingsTheOneThatCountsIsChanged(before: String, after: String) throws {
        var document = try INIDocument(before)
        try document.set(section: "SERVER", names: ["PORT", "OLD_PORT"], to: "3")

        #expect(String(decoding: document.bytes, as: UTF8.self) == after)
        #expect(document.entry(section: "SERVER", names: ["PORT", "OLD_PORT"])?.value == "3")
    }

    @Test(arguments: ["a\n# b", "a\r[T]\rx = 1", "a\u{0}b", " both \" and ' ", "a\n  b"])
    func valueThatTheFormatCannotCarryIsRefused(_ value: String) throws {
        let original = try INIDocument("[S]\nport = 1\n[T]\nx = 2\n")
        var document = original

        #expect(throws: INIError.self) { try document.set(section: "S", names: ["PORT"], to: value) }
        #expect(document.bytes == original.bytes)
    }
}
