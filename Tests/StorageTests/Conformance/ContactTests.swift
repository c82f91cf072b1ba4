// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct ContactTests {
    @Test(arguments: StorageKind.available)
    func contactsAreAddedOnceAndRemoved(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let carol = try await test.createUser("carol")

            let added = try await test.done(Write.AddContact(alice, carol), by: alice)
            try await test.done(Write.AddContact(alice, bob), by: alice)
            try await test.done(Write.AddContact(carol, bob), by: carol)
            let head = try await test.storage.head()
            let again = try await test.done(Write.AddContact(alice, carol), by: alice)

            #expect(!added.existed && again.existed)
            #expect(try await test.storage.head() == head)
            #expect(try await test.storage.contacts(of: alice, limit: 10).map(\.login) == ["bob", "carol"])
            #expect(try await test.storage.contacts(of: alice, limit: 1).map(\.id) == [bob])
            #expect(try await test.storage.contacts(of: alice, after: bob, limit: 10).map(\.id) == [carol])
            #expect(try await test.storage.contactIDs(of: alice) == [bob, carol])
            #expect(try await test.storage.contactHolders(of: bob) == [alice, carol])
            #expect(try await test.storage.contactHolders(of: alice) == [])

            try await test.done(Write.RemoveContact(alice, bob), by: alice)
            #expect(try await test.done(Write.RemoveContact(alice, bob), by: alice).existed)
            #expect(try await test.storage.contactIDs(of: alice) == [carol])
            #expect(try await test.storage.contactHolders(of: bob) == [carol])
            let events = try await test.storage.events(after: .start, limit: 100).filter { $0.kind == .contact }
            #expect(events.map(\.subject) == [alice, alice, carol, alice].map(\.rawValue))
            #expect(
                events.map { String(decoding: $0.content, as: UTF8.self) } == [
                    #"{"contact":\#(carol.rawValue),"added":true}"#, #"{"contact":\#(bob.rawValue),"added":true}"#,
                    #"{"contact":\#(bob.rawValue),"added":true}"#, #"{"contact":\#(bob.rawValue),"added":false}"#,
                ])
        }
    }

    @Test(arguments: StorageKind.available)
    func onlyAccountsThatExistAreContacts(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            let carol = try await test.createUser("carol")
            for (user, contact) in [(alice, bob), (bob, alice), (carol, bob)] {
                try await test.done(Write.AddContact(user, contact))
            }

            try await test.done(Write.DeleteUser(bob))

            for user in [alice, bob, carol] {
                #expect(try await test.storage.contactIDs(of: user) == [])
                #expect(try await test.storage.contactHolders(of: user) == [])
            }
            #expect(try await test.refusal(of: Write.AddContact(alice, bob)) == .noSuchUser)
            #expect(try await test.refusal(of: Write.AddContact(alice, UserID(99))) == .noSuchUser)
            #expect(try await test.refusal(of: Write.AddContact(bob, alice)) == .accountDeleted)
            #expect(try await test.refusal(of: Write.RemoveContact(UserID(99), alice)) == .noSuchUser)
        }
    }

    @Test(arguments: StorageKind.available)
    func aPartOfALoginFindsAccountsShortestFirst(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            for login in ["Alice", "al", "Malik", "bob", "100%", "a_b", "a\\b", "axb", "größe", "alf"] {
                _ = try await test.createUser(login)
            }
            _ = try await test.createUser("alarm", isHidden: true)
            let gone = try await test.createUser("alien")
            try await test.done(Write.DeleteUser(gone))
            let found = { (text: String, limit: Int) in
                try await test.storage.users(loginContaining: text, limit: limit).map(\.login)
            }

            #expect(try await found("al", 10) == ["al", "alf", "Alice", "Malik"])
            #expect(try await found("al", 2) == ["al", "alf"])
            #expect(try await found("%", 10) == ["100%"])
            #expect(try await found("_", 10) == ["a_b"])
            #expect(try await found("a_b", 10) == ["a_b"])
            #expect(try await found("\\", 10) == ["a\\b"])
            #expect(try await found("öß", 10) == ["größe"])
            #expect(try await found("nobody", 10) == [])
            #expect(try await found("deleted", 10) == [])
            #expect(try await found("al", 0) == [])
            #expect(try await found(String(repeating: "%", count: 100_000), 10) == [])
        }
    }
}
