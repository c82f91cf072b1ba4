// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct SearchTests {
    private func find(
        _ words: String..., on test: StorageUnderTest, before: Position = Position(.max), limit: Int = 100
    ) async throws -> [String?] {
        let page = try await test.storage.messages(
            matching: words, before: before, limit: limit, text: StorageUnderTest.text)
        return page.messages.map(\.text)
    }

    @Test(arguments: StorageKind.available)
    func wordsAreFoundAlikeOnAllEngines(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let long = String(repeating: "x", count: 5000)
            let texts = [
                "The quick brown fox", "QUICK and www.example.com/path", "Die Straße nach Köln", "ΟΔΟΣ και οδός",
                "mail to bob@example.org or not", "1e5 12abc x-ray 3.14 -7", "it's 'quoted' \u{0}zero", "日本語 テスト",
                "नमस्ते दुनिया", long + " tail", "🙂 only smiles",
            ]
            for text in texts { try await test.send(text, from: alice, to: flow) }
            let expected: [(String, [Int])] = [
                ("quick", [1, 0]), ("Quick", [1, 0]), ("quic", []), ("example", [4, 1]), ("path", [1]),
                ("STRASSE", [2]), ("straße", [2]), ("köln", [2]), ("KÖLN", [2]), ("koln", []), ("οδοσ", [3]),
                ("or", [4]), ("NOT", [4]), ("AND", [1]), ("bob", [4]), ("1e5", [5]), ("12abc", [5]), ("ray", [5]),
                ("14", [5]), ("7", [5]), ("s", [6]), ("zero", [6]), ("日本語", [7]), ("नमस्ते", [8]), (long, [9]),
                ("tail", [9]), ("smiles", [10]), ("🙂", []), ("", []), ("\"", []), ("* ( ) : ^ - + | & ! <->", []),
                ("quick\" OR \"fox", []), ("quick fox", [0]), ("text : quick", []), ("qui*", []),
                ("'; DROP TABLE x", []),
            ]
            for (words, indices) in expected {
                #expect(try await find(words, on: test) == indices.map { texts[$0] }, "\(words.prefix(40))")
            }
            #expect(try await find("fox", "quick", on: test) == [texts[0]])
            #expect(try await find("fox", "köln", on: test) == [])
        }
    }

    @Test(arguments: StorageKind.available)
    func pagesComeNewestFirst(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let other = try await test.createFlow(owner: alice)
            for number in 0..<1200 / 8 {
                let texts = (0..<8).map { "word \(number * 8 + $0)" }
                _ = try await test.storage.commit(
                    texts.map { test.write(test.message($0, to: number % 3 == 0 ? other : flow), by: alice) })
            }
            try await test.done(Write.DeleteFlow(other), by: alice)

            var before = Position(.max)
            var seen: [String] = []
            while true {
                let page = try await test.storage.messages(
                    matching: ["word"], before: before, limit: 100, text: StorageUnderTest.text)
                guard let last = page.messages.last else { break }
                seen += page.messages.compactMap(\.text)
                before = last.position
            }

            #expect(seen == (0..<1200).filter { ($0 / 8) % 3 != 0 }.reversed().map { "word \($0)" })
            #expect(try await find("word", on: test, limit: 0) == [])
            #expect(try await find("word", on: test, limit: -1) == [])
        }
    }

    @Test(arguments: StorageKind.available)
    func editsAndDeletionsAreFollowed(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let sent = try await test.send("apple", from: alice, to: flow)
            try await test.send("apple pie", from: alice, to: flow)
            #expect(try await find("apple", on: test) == ["apple pie", "apple"])

            let pear = StorageUnderTest.content("pear")
            try await test.done(Write.EditMessage(flow: flow, message: sent.position, content: pear), by: alice)
            #expect(try await find("apple", on: test) == ["apple pie"])
            #expect(try await find("pear", on: test) == ["pear"])
            let picture = Array(#"{"picture":1}"#.utf8)
            try await test.done(Write.EditMessage(flow: flow, message: sent.position, content: picture), by: alice)
            #expect(try await find("pear", on: test) == [])
            try await test.done(Write.EditMessage(flow: flow, message: sent.position, content: pear), by: alice)
            try await test.done(Write.DeleteMessage(flow: flow, message: sent.position), by: alice)
            #expect(try await find("pear", on: test) == [])
            #expect(try await find("apple", on: test) == ["apple pie"])
        }
    }

    /// A caller that is in no hurry leaves what comes during a step to its next round, instead of one message to each
    /// step.
    @Test(arguments: StorageKind.available)
    func aStepThatIsNotFullSaysSo(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let texts = (0..<2100).map { "word \($0)" }
            _ = try await test.storage.commit(texts.map { test.write(test.message($0, to: flow), by: alice) })
            var steps: [SearchStep] = []
            repeat {
                steps.append(try await test.storage.indexForSearch(text: StorageUnderTest.text))
            } while steps.last == .full
            #expect(steps.count > 1)
            #expect(steps.last == .part)

            try await test.send("one more", from: alice, to: flow)
            #expect(try await test.storage.indexForSearch(text: StorageUnderTest.text) == .part)
            #expect(try await test.storage.indexForSearch(text: StorageUnderTest.text) == .nothing)
            #expect(try await find("more", on: test) == ["one more"])
        }
    }

    @Test func textsAreCutIntoBoundedWords() {
        let many = String(repeating: "ab ", count: 100_000)
        #expect(SearchWords.folded(many).split(separator: " ").count == SearchWords.maximumTextScalars / 3)
        #expect(SearchWords.folded(String(repeating: "ß", count: 1000)) == String(repeating: "s", count: 128))
        #expect(SearchWords.folded(String(repeating: "X", count: 1000) + "!") == String(repeating: "x", count: 128))
        #expect(SearchWords.folded("e\u{301}te\u{301} \u{301}x") == "e\u{301}te\u{301} x")
        #expect(SearchWords.folded(" Hello, WORLD-2 you@me\u{0}Z[a`b{c\n") == "hello world 2 you me z a b c")
        // Letters of two scripts in a row are one word, wherever the first that is not ASCII is.
        #expect(SearchWords.folded("xÄ Äx ÉTÉ—Straße ПРИВЕТ!٣") == "xä äx été strasse привет ٣")
        #expect(SearchWords.folded("—…") == "")
        #expect(SearchWords.query((0..<100).map { "w\($0)" })?.split(separator: " ").count == 32)
        #expect(SearchWords.query(["a", "A b"]) == "\"a\" \"b\"")
        #expect(SearchWords.query(["-"]) == nil)
    }
}
