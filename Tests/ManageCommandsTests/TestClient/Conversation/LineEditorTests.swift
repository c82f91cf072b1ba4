// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ManageCommands

struct LineEditorTests {
    private static func submitted(_ keys: String) -> [LineEditor.Action] {
        var editor = LineEditor()
        return editor.type(Array(keys.utf8))
    }

    @Test(arguments: [
        ("hello\r", "hello"), ("hullo\u{1B}[D\u{1B}[D\u{1B}[D\u{7F}e\r", "hello"),
        ("hxello\u{01}\u{1B}[C\u{1B}[3~\r", "hello"), ("llo\u{01}he\r", "hello"), ("one two\u{17}three\r", "one three"),
        ("gone\u{15}here\r", "here"), ("keep gone\u{01}\u{06}\u{06}\u{06}\u{06}\u{0B}\r", "keep"),
        ("äö\u{7F}ü\r", "äü"), ("e\u{301}x\u{7F}\u{7F}\r", ""), ("👨‍👩‍👧\u{7F}ok\r", "ok"),
        ("a\u{1B}[1;5Cb\u{1B}OHc\r", "cab"),
        ("\u{1B}xab\r", "ab"), ("a\u{00}b\r", "ab"), ("ab\u{02}\u{04}\r", "a"),
    ])
    func keysEditTheLine(keys: String, line: String) {
        #expect(Self.submitted(keys) == [.submit(line)])
    }

    @Test func everyByteMayComeByItself() {
        let keys = Array("hé👨‍👩‍👧x\u{1B}[D\u{1B}[3~!\r".utf8)
        var editor = LineEditor()

        let actions = keys.flatMap { editor.type([$0]) }

        #expect(actions == [.submit("hé👨‍👩‍👧!")])
    }

    @Test func controlKeysAskForSomething() {
        #expect(Self.submitted("abc\u{03}") == [.interrupt])
        #expect(Self.submitted("\u{04}") == [.end])
        #expect(Self.submitted("abc\u{04}") == [])
        #expect(Self.submitted("\u{0C}") == [.clearScreen])
        #expect(Self.submitted("\u{1B}\u{03}") == [.interrupt])
        #expect(Self.submitted("a\rb\n\r") == [.submit("a"), .submit("b"), .submit("")])
    }

    @Test func pastLinesComeBackAndTheNewOneStays() {
        #expect(Self.submitted("one\rtwo\rnew\u{1B}[A\u{1B}[A\r").last == .submit("one"))
        #expect(Self.submitted("one\rtwo\rnew\u{1B}[A\u{1B}[A\u{1B}[A\u{1B}[B\r").last == .submit("two"))
        #expect(Self.submitted("one\rnew\u{1B}[A\u{1B}[B\u{1B}[B\r").last == .submit("new"))
    }

    @Test func viewIsThePartAroundTheCursor() {
        var editor = LineEditor()
        _ = editor.type(Array("0123456789".utf8))
        #expect(editor.view(columns: 20) == .init(text: "0123456789", columnsAfterCursor: 0))
        #expect(editor.view(columns: 5) == .init(text: "6789", columnsAfterCursor: 0))
        _ = editor.type([0x01])
        #expect(editor.view(columns: 5) == .init(text: "0123", columnsAfterCursor: 4))
        #expect(editor.view(columns: 0).text.count <= 1)
    }

    @Test func wideCharactersTakeTwoColumns() {
        var editor = LineEditor()
        _ = editor.type(Array("漢字漢字".utf8))
        #expect(editor.view(columns: 6) == .init(text: "漢字", columnsAfterCursor: 0))
        for (character, columns) in [
            ("a", 1), ("ä", 1), ("漢", 2), ("😀", 2), ("한", 2), ("\u{301}", 0), ("\u{200B}", 0), ("\n", 0), ("é", 1),
        ] as [(Character, Int)] {
            #expect(character.columns == columns, "\(character)")
        }
    }

    @Test func hostileBytesAreBounded() {
        var editor = LineEditor()
        for _ in 0..<100 { #expect(editor.type(Array(repeating: UInt8(ascii: "x"), count: 1000)) == []) }
        #expect(editor.text.utf8.count <= LineEditor.maximumBytes)
        for byte in UInt8.min ... .max where ![0x03, 0x04, 0x0A, 0x0C, 0x0D].contains(byte) {
            var editor = LineEditor()
            #expect(editor.type([0x1B, UInt8(ascii: "["), byte, byte, 0xFF, 0xC3, byte]) == [])
            _ = editor.type(Array(repeating: 0x30, count: 100))
            #expect(editor.type([0x03]) == [.interrupt])
        }
    }
}

struct ConversationCommandTests {
    @Test(
        arguments: [
            ("hello", .text("hello")), ("  hello /to  ", .text("  hello /to  ")), ("//slash", .text("/slash")),
            ("/to alice", .to("alice")), ("/to  #Green Garden ", .to("#Green Garden")), ("/add bob", .add("bob")),
            ("/history", .history(20)), ("/history 5", .history(5)), ("/contacts", .contacts), ("/groups", .groups),
            ("/help", .help), ("/quit", .quit), ("/image /tmp/a b.png", .image("/tmp/a b.png")),
            ("/group new Garden a b", .newGroup(title: "Garden", members: ["a", "b"])),
            ("/group new Garden", .newGroup(title: "Garden", members: [])), ("/group add 7", .addMember("7")),
            ("/group remove 7", .removeMember("7")),
        ] as [(String, ConversationCommand)])
    func linesAreRead(line: String, command: ConversationCommand) {
        #expect(ConversationCommand(line) == command)
    }

    @Test(arguments: [
        "/to", "/add ", "/history 0", "/history x", "/group", "/group add", "/group new", "/nonsense", "/",
    ])
    func mistakesAreNamed(line: String) {
        guard case .mistake(let words)? = ConversationCommand(line) else {
            Issue.record("no mistake: \(line)")
            return
        }
        #expect(!words.isEmpty)
    }

    @Test func nothingIsNothing() {
        #expect(ConversationCommand("") == nil)
        #expect(ConversationCommand("   ") == nil)
    }
}
