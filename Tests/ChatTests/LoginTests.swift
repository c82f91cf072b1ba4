// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Testing

/// Which texts can be a login, and which of them are the same login.
struct LoginTests {
    @Test(arguments: [
        ("Alice", "aLICE"), ("Ünal", "ÜNAL"), ("caf\u{E9}", "cafe\u{301}"), ("straße", "STRASSE"), ("ﬁona", "Fiona"),
        ("ΟΔΟΣ", "οδος"), ("Ａｌｉｃｅ", "alice"), ("\u{130}brahim", "i\u{307}brahim"),
    ])
    func theseAreOneLogin(left: String, right: String) throws {
        #expect(try Login(left).key == Login(right).key)
        #expect(Login.key(of: left) == (try Login(left).key))
    }

    @Test(arguments: [("alice", "bob"), ("alice", "alicе"), ("a b", "ab"), ("ı", "i\u{307}")])
    func theseAreTwoLogins(left: String, right: String) throws {
        #expect(try Login(left).key != Login(right).key)
    }

    @Test(arguments: ["alice", "Алиса", "アリス", "a b", "alice@example.org", "o'neil", "1", "🙂", "नमस्ते"])
    func theKeyOfAKeyIsTheKey(text: String) throws {
        let login = try Login(text)

        #expect(login.text == text)
        #expect(Login.key(of: login.key) == login.key)
    }

    @Test(arguments: [
        "a\u{0}", "a\nb", "\u{7F}", "a\u{200B}b", "\u{202E}evil", "a\u{FEFF}", "a\u{2028}b", "a\u{2029}", "a\u{AD}b",
        "\u{E000}", "\u{FFFF}", "a\u{2066}b", "\u{E0041}",
        // Letters and marks that show nothing.
        "\u{3164}", "alice\u{3164}", "al\u{115F}ice", "alice\u{FFA0}", "a\u{34F}lice", "a\u{FE0F}",
    ])
    func controlAndInvisibleCharactersAreRefused(text: String) {
        #expect(throws: ChatError.invalidLogin("A login has no control or invisible characters.")) { try Login(text) }
    }

    @Test(arguments: [" alice", "alice ", "\u{A0}alice", "alice\u{3000}", " "])
    func whatBeginsOrEndsInvisiblyIsRefused(text: String) {
        #expect(throws: ChatError.invalidLogin("A login begins and ends with something visible.")) { try Login(text) }
    }

    @Test func emptyIsMissing() {
        #expect(throws: ChatError.credentialsMissing) { try Login("") }
    }

    @Test func theLengthIsCountedInBytes() throws {
        #expect(try Login(String(repeating: "a", count: 255)).text.utf8.count == 255)
        #expect(try Login(String(repeating: "ä", count: 127)).text.utf8.count == 254)
        #expect(throws: ChatError.tooLong(field: "login", limit: 255)) { try Login(String(repeating: "a", count: 256)) }
        #expect(throws: ChatError.tooLong(field: "login", limit: 255)) { try Login(String(repeating: "ä", count: 128)) }
    }
}
