// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import Testing

/// Contacts and the search for people.
@Suite(.timeLimit(.minutes(10))) struct PeopleTests {
    @Test(arguments: StorageKind.engines) func contactsAreAddedOnceListedAndRemoved(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let chat = test.chat
            func contacts(_ principal: Principal) async throws -> [String] {
                try await chat.contacts(of: principal).map { "\($0.person.login) \($0.isOnline)" }
            }
            let connection = RecordingConnection()
            chat.hub.attach(connection, principal: people[1], wantsNews: false)

            #expect(try await chat.addContact(login: "Carol", of: people[0]).person.id == people[2].user)
            #expect(try await chat.addContact(login: "bob", of: people[0]).isOnline)
            _ = try await chat.addContact(login: "bob", of: people[0])

            #expect(try await contacts(people[0]) == ["bob true", "carol false"])
            #expect(try await contacts(people[1]) == [], "whom I have need not have me")
            #expect(try await test.storage.contactHolders(of: people[1].user) == [people[0].user])
            #expect(try await chat.removeContact(login: "bob", of: people[0]).person.login == "bob")
            _ = try await chat.removeContact(login: "bob", of: people[0])
            #expect(try await contacts(people[0]) == ["carol false"])
            chat.hub.detach(connection)
        }
    }

    @Test(arguments: StorageKind.engines) func notEverybodyCanBeAContact(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let hidden = try await test.chat.newUser(login: Login("hidden"), password: Password("x"), isHidden: true)
            _ = try await test.chat.write(Write.CreateUser(hidden), by: nil)
            _ = try await test.chat.addContact(login: "bob", of: people[0])

            for login in ["nobody", "hidden", "", "bob\0", String(repeating: "b", count: 300)] {
                await #expect(throws: ChatError.noSuchUser) {
                    try await test.chat.addContact(login: login, of: people[0])
                }
            }
            await #expect(throws: ChatError.notAllowed("You are not a contact of your own.")) {
                try await test.chat.addContact(login: "ALICE", of: people[0])
            }
            _ = try await test.chat.write(Write.DeleteUser(people[1].user), by: nil)

            #expect(try await test.chat.contacts(of: people[0]).isEmpty)
            await #expect(throws: ChatError.noSuchUser) { try await test.chat.addContact(login: "bob", of: people[0]) }
        }
    }

    @Test(arguments: StorageKind.engines) func searchFindsLoginsByAnyPart(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.registerAll("alice", "Malice", "50%", "under_score", "underXscore")[0]
            let hidden = try await test.chat.newUser(login: Login("alice 2"), password: Password("x"), isHidden: true)
            _ = try await test.chat.write(Write.CreateUser(hidden), by: nil)
            func found(_ text: String) async throws -> [String] {
                try await test.chat.search(login: text, for: alice).map(\.person.login)
            }

            #expect(try await found("LIC") == ["alice", "Malice"])
            #expect(try await found("%") == ["50%"])
            #expect(try await found("r_s") == ["under_score"])
            #expect(try await found("") == [])
            #expect(try await found("nobody") == [])
            #expect(try await found("' OR 1=1 --") == [])
            #expect(try await found(String(repeating: "a", count: 100_000)) == [])
        }
    }

    @Test(arguments: StorageKind.engines) func namesAreRememberedUntilTheyChange(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            #expect(try await test.chat.person(alice.user).username == "alice")
            let number = try await test.chat.person(login: "ALICE").publicNumber
            #expect(try await test.chat.person(publicNumber: number).id == alice.user)

            try await test.chat.updateProfile(of: alice, username: "Alice L.")
            #expect(try await test.chat.person(login: "alice").username == "Alice L.")
            _ = try await test.chat.write(Write.DeleteUser(alice.user), by: nil)

            #expect(try await test.chat.person(alice.user).isDeleted)
            await #expect(throws: ChatError.noSuchUser) { try await test.chat.person(login: "alice") }
            await #expect(throws: ChatError.noSuchUser) { try await test.chat.person(publicNumber: number) }
        }
    }
}
