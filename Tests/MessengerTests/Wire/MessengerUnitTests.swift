// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Messenger
import TestSupport
import Testing

@Suite struct MessengerUnitTests {
    private static let bob = MessengerLogin("bob")
    private static let key = WireSample.key(0xAABB_CCDD)

    /// The texts of the units of a message.
    private func texts(_ text: String, from sender: MessengerLogin = bob) -> [String] {
        MessengerUnit.message(text, from: sender).compactMap {
            guard case .message(sender, let text) = $0 else { return nil }
            return text
        }
    }

    // spec: messenger, the tables of answers and pushes
    @Test(
        arguments: [
            (.answer(.signedUp), [0x00, 0x00]), (.answer(.loginTaken), [0x00, 0x04]),
            (.answer(.signUpRefused), [0x00, 0x05]),
            (.answer(.loggedIn(key)), [0x01, 0x00, 0x0D, 0xAA, 0xBB, 0xCC, 0xDD]),
            (.answer(.noSuchLogin), [0x01, 0x01]), (.answer(.wrongPassword), [0x01, 0x02]),
            (.answer(.loggedOut), [0x02, 0x00]),
            (
                .answer(.contacts([MessengerContact(login: bob, isOnline: true)])),
                [0x03, 0x00, 0x0D, 0x62, 0x6F, 0x62, 0x0D, 0x01]
            ),
            (
                .answer(
                    .contacts([
                        MessengerContact(login: bob, isOnline: false),
                        MessengerContact(login: MessengerLogin("é"), isOnline: true),
                    ])),
                [0x03, 0x00, 0x0D, 0x62, 0x6F, 0x62, 0x0D, 0x00, 0x0D, 0xC3, 0xA9, 0x0D, 0x01]
            ),
            (.answer(.noContacts), [0x03, 0x01]), (.answer(.contactAdded(isOnline: true)), [0x04, 0x00, 0x0D, 0x01]),
            (.answer(.contactAdded(isOnline: false)), [0x04, 0x00, 0x0D, 0x00]),
            (.answer(.noSuchUser), [0x04, 0x01]), (.answer(.refused(prefix: 0x06)), [0x06, 0xFF]),
            (.answer(.refused(prefix: 0xFF)), [0xFF, 0xFF]),
            (.message(from: bob, text: "Hi\n"), [0x02, 0x62, 0x6F, 0x62, 0x0D, 0x48, 0x69, 0x0A]),
            (.message(from: bob, text: ""), [0x02, 0x62, 0x6F, 0x62, 0x0D]),
            (.presence(bob, isOnline: true), [0x05, 0x62, 0x6F, 0x62, 0x0D, 0x01]),
            (.presence(bob, isOnline: false), [0x05, 0x62, 0x6F, 0x62, 0x0D, 0x00]),
        ] as [(MessengerUnit, [UInt8])])
    func everyUnitIsWrittenAndRead(unit: MessengerUnit, bytes: [UInt8]) {
        #expect(unit.encoded() == bytes)
        #expect(MessengerUnit(decoding: bytes) == unit)
        for length in 0..<bytes.count { #expect(MessengerUnit(decoding: Array(bytes[..<length])) != unit) }
    }

    @Test func aClientReadsNoiseAsNothing() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<20_000 {
            let bytes: [UInt8] = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                UInt8.random(in: 0...15, using: &generator)
            }
            // Logins that cannot be on the wire are shown changed, so only those are not written back alike.
            if let unit = MessengerUnit(decoding: bytes), !bytes.dropFirst().contains(0) {
                #expect(unit.encoded() == bytes)
            }
        }
    }

    @Test func aMessageThatFitsIsOneUnit() {
        let room = MessengerUnit.maximumBytes - 5
        let fitting = String(repeating: "x", count: room)

        #expect(texts("Hi") == ["Hi"])
        #expect(texts("") == [""])
        #expect(texts(fitting) == [fitting])
        #expect(MessengerUnit.message(fitting, from: Self.bob)[0].encoded().count == 4096)
        #expect(texts(fitting + "y") == [fitting, "y"])
    }

    @Test(arguments: ["é", "👩‍👩‍👧‍👦", "🇫🇷", "e\u{301}\u{323}", "ab", "한", "क्षि"])
    func longTextIsCutBetweenCharacters(character: String) {
        for offset in 0..<4 {
            let text = String(repeating: "-", count: offset) + String(repeating: character, count: 2000)

            let units = MessengerUnit.message(text, from: Self.bob)
            let parts = texts(text)

            #expect(units.allSatisfy { $0.encoded().count <= MessengerUnit.maximumBytes })
            #expect(parts.count == units.count && parts.count > 0)
            #expect(parts.joined() == text)
            #expect(parts.reduce(0) { $0 + $1.count } == text.count)
            // No unit could have taken the first character of the next.
            for (part, next) in zip(parts, parts.dropFirst()) {
                #expect(part.utf8.count + (next.first?.utf8.count ?? 0) > MessengerUnit.maximumBytes - 5)
            }
        }
    }

    @Test func aCharacterLongerThanAUnitIsCutBetweenItsParts() {
        let monster = "e" + String(repeating: "\u{301}", count: 10_000)
        let text = "before " + monster + " after"

        let parts = texts(text)

        #expect(parts.allSatisfy { !$0.isEmpty && $0.utf8.count <= MessengerUnit.maximumBytes - 5 })
        #expect(parts.flatMap { Array($0.utf8) } == Array(text.utf8))
        // "before ", the character in five parts, the last of them with " after".
        #expect(parts.count == 6)
    }

    @Test(arguments: [
        ("a\rb", "a\nb"), ("a\r\nb", "a\nb"), ("\r\r", "\n\n"), ("\r\n\r\n", "\n\n"), ("\n\r", "\n\n"),
        ("a\n\nb", "a\n\nb"),
        ("\r", "\n"), ("é\r\n\n", "é\n\n"),
    ])
    func lineEndsBecomeLineFeeds(text: String, expected: String) {
        #expect(texts(text).map { Array($0.utf8) } == [Array(expected.utf8)])
    }

    @Test func aLongTextWithReturnsIsCutAfterTheyWereReplaced() {
        let text = String(repeating: "line\r\n", count: 5000)

        let parts = texts(text)

        #expect(parts.joined() == String(repeating: "line\n", count: 5000))
        #expect(parts.allSatisfy { !$0.utf8.contains(0x0D) })
    }

    @Test(arguments: [
        ("anna", "anna", true), ("a\rb", "a\u{FFFD}b", false), ("\r\n", "\u{FFFD}\n", false), ("", "\u{FFFD}", false),
        ("a\0", "a\u{FFFD}", false), ("#12", "#12", false), ("#x", "#x", true), ("\u{FFFD}", "\u{FFFD}", true),
        ("e\u{301}", "e\u{301}", true),
    ])
    func aLoginIsShownInAFormThatIsOneField(login: String, shown: String, isExact: Bool) {
        let carried = MessengerLogin(login)

        #expect(Array(carried.text.utf8) == Array(shown.utf8))
        #expect(carried.isExact == isExact)
    }

    @Test func aLoginLeavesRoomForText() {
        let longest = MessengerLogin(String(repeating: "é", count: 512))
        let cut = MessengerLogin(String(repeating: "é", count: 3000))

        #expect(longest.isExact)
        #expect(!cut.isExact)
        #expect(cut.text.utf8.count == 1024)
        #expect(
            MessengerUnit.message(String(repeating: "x", count: 9000), from: cut).allSatisfy {
                $0.encoded().count <= MessengerUnit.maximumBytes
            })
    }

    @Test func noSenderCanSpeakForAnother() {
        let unit = MessengerUnit.message("text", from: MessengerLogin("eve\rHello from eve"))[0]

        #expect(unit.encoded().filter { $0 == 0x0D }.count == 1)
        #expect(MessengerUnit(decoding: unit.encoded()) != .message(from: MessengerLogin("eve"), text: "text"))
    }

    @Test func aLongListOfContactsComesInSeveralAnswers() {
        let contacts = (0..<2000).map { MessengerContact(login: MessengerLogin("user\($0)"), isOnline: $0 % 3 == 0) }

        let answers = MessengerAnswer.contactList(contacts)

        var read: [MessengerContact] = []
        for answer in answers {
            let bytes = answer.encoded()
            #expect(bytes.count <= MessengerUnit.maximumBytes)
            guard case .answer(.contacts(let part)) = MessengerUnit(decoding: bytes) else {
                Issue.record("An answer of the list was not read as one.")
                continue
            }
            read += part
        }
        #expect(read == contacts)
        #expect(answers.count == 6)
    }

    @Test func contactsThatCannotBeWrittenToAreLeftOut() {
        let odd = [MessengerContact(login: MessengerLogin("a\rb"), isOnline: true)]

        #expect(MessengerAnswer.contactList([]) == [.noContacts])
        #expect(MessengerAnswer.contactList(odd) == [.noContacts])
        let bob = MessengerContact(login: Self.bob, isOnline: true)
        #expect(MessengerAnswer.contactList(odd + [bob]) == [.contacts([bob])])
    }
}
