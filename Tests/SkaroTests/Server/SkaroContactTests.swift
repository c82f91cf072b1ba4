// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Skaro
import TestClient
import Testing

/// People: lists, profiles, and who is told of whom.
@Suite(.timeLimit(.minutes(10))) struct SkaroContactTests {
    @Test func contactsAreAddedListedAndRemoved() async throws {
        try await SkaroServer.with { server in
            _ = try await server.test.registerAll("bob", "carol")
            let alice = try await server.join("alice")

            let added = try #require(try await alice.ask(.addContact(login: "BOB")).contact)
            #expect((added.login, added.name, added.isOnline) == ("bob", "bob", false))
            #expect(try await alice.ask(.addContact(login: "bob")).contact?.login == "bob")
            #expect(try await alice.ask(.addContact(login: "carol")).contact?.login == "carol")
            #expect(try await alice.ask(.getContacts).contacts?.map(\.login) == ["bob", "carol"])
            #expect(try await alice.ask(.deleteContact(login: "bob")).contact?.login == "bob")
            #expect(try await alice.ask(.deleteContact(login: "bob")).contact?.login == "bob")
            #expect(try await alice.ask(.getContacts).contacts?.map(\.login) == ["carol"])

            #expect(try await alice.refusal(.addContact(login: "nobody")) == 404)
            #expect(try await alice.refusal(.addContact(login: "alice")) == 403)
            #expect(try await alice.refusal(.deleteContact(login: "nobody")) == 404)
        }
    }

    @Test func searchFindsPartsOfLogins() async throws {
        try await SkaroServer.with { server in
            _ = try await server.test.registerAll("bobby", "bob", "jacob%", "carol")
            let alice = try await server.join("alice")
            func found(_ query: String) async throws -> [String]? {
                try await alice.ask(.searchContacts(query: query)).contacts?.map(\.login)
            }

            #expect(try await found("BOB") == ["bob", "bobby"])
            #expect(try await found("b%") == ["jacob%"])
            #expect(try await found("") == [])
            #expect(try await found(String(repeating: "b", count: 1000)) == [])
            #expect(try await alice.refusal(.searchContacts(query: "b\0")) == 400)
        }
    }

    @Test func userDataIsShownWithTheAddressOnlyToOneself() async throws {
        try await SkaroServer.with { server in
            try await server.test.register("bob", email: "bob@example.org")
            let alice = try await server.join("alice")

            let updated = try await alice.ask(
                .updateMyData(SkaroProfile(name: "Alice", bio: "Here", email: "a@example.org", avatar: "YXY="))
            ).user
            let own = try await alice.ask(.getUserData(login: "alice")).user
            let bob = try await alice.ask(.getUserData(login: "bob")).user

            #expect(own == updated)
            #expect(own?.name == "Alice")
            #expect((own?.bio, own?.email, own?.avatar, own?.isOnline) == ("Here", "a@example.org", "YXY=", true))
            #expect((bob?.login, bob?.email, bob?.bio, bob?.isOnline) == ("bob", nil, nil, false))
            #expect(try await alice.refusal(.getUserData(login: "nobody")) == 404)
            #expect(try await alice.refusal(.getUserData(login: "b\0b")) == 404)
        }
    }

    @Test func profileChangesAllOrNothing() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            _ = try await alice.ask(.updateMyData(SkaroProfile(bio: "old")))

            #expect(
                try await alice.refusal(
                    .updateMyData(SkaroProfile(name: String(repeating: "x", count: 256), bio: "new"))) == 413)
            #expect(try await alice.refusal(.updateMyData(SkaroProfile(bio: "n\0w"))) == 400)
            #expect(try await alice.refusal(.updateMyData(SkaroProfile())) == 400)
            #expect(try await alice.ask(.getUserData(login: "alice")).user?.bio == "old")
            #expect(try await alice.ask(.updateMyData(SkaroProfile(bio: ""))).user?.bio == nil)
        }
    }

    @Test(arguments: [
        ("nowhere", 400, "email is no address such as alice@example.org."),
        ("a@b", 400, "email is no address such as alice@example.org."),
        ("a@b@example.org", 400, "email is no address such as alice@example.org."),
        (longestEmail + "g", 413, "email is longer than 318 bytes."),
        (String(repeating: "e", count: 319), 413, "email is longer than 318 bytes."),
    ])
    func whatIsNoEmailIsRefused(email: String, code: Int, words: String) async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let before = try await alice.ask(.updateMyData(SkaroProfile(bio: "old", email: Self.longestEmail))).user

            let answer = try await alice.client.request(.updateMyData(SkaroProfile(bio: "new", email: email)))

            #expect((answer.code, answer.info) == (code, words))
            let user = try await alice.ask(.getUserData(login: "alice")).user
            #expect(user == before)
            #expect((user?.bio, user?.email) == ("old", Self.longestEmail))
            #expect(try await alice.ask(.updateMyData(SkaroProfile(email: ""))).user?.email == nil)
        }
    }

    /// 64 bytes, and a domain of 253.
    private static let longestEmail =
        String(repeating: "x", count: 64) + "@" + String(repeating: String(repeating: "y", count: 62) + ".", count: 4)
        + "g"

    @Test func contactsComeAndGo() async throws {
        try await SkaroServer.with { server in
            try await server.test.register("bob")
            let alice = try await server.join("alice")
            _ = try await alice.ask(.addContact(login: "bob"))

            let bob = try await server.logIn("bob")
            let online = try await alice.changed()
            #expect((online.login, online.isOnline) == ("bob", true))
            #expect(try await alice.ask(.getContacts).contacts?.map(\.isOnline) == [true])

            await bob.client.close()
            let offline = try await alice.changed()
            #expect((offline.login, offline.isOnline) == ("bob", false))
        }
    }

    @Test func oneDeviceOfManyIsEnoughToBeOnline() async throws {
        try await SkaroServer.with { server in
            try await server.test.register("bob")
            let alice = try await server.join("alice")
            _ = try await alice.ask(.addContact(login: "bob"))
            let first = try await server.logIn("bob")
            #expect(try await alice.changed().isOnline)
            let second = try await server.logIn("bob")

            await first.client.close()
            _ = try await second.ask(.updateMyData(SkaroProfile(bio: "still here")))

            let changed = try await alice.changed()
            #expect((changed.bio, changed.isOnline) == ("still here", true))
        }
    }

    @Test func contactAddedOnOneDeviceIsWatchedOnTheOthers() async throws {
        try await SkaroServer.with { server in
            let bob = try await server.join("bob")
            let phone = try await server.join("alice")
            let desk = try await server.logIn("alice")
            _ = try await phone.ask(.addContact(login: "bob"))

            _ = try await bob.ask(.updateMyData(SkaroProfile(name: "Bob")))

            // The first push of all: nothing else changed for them.
            #expect(try await phone.changed().name == "Bob")
            #expect(try await desk.changed().name == "Bob")
        }
    }

    @Test func strangersAreNotTold() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            _ = try await alice.ask(.addContact(login: "bob"))
            _ = try await bob.ask(.updateMyData(SkaroProfile(name: "Bob")))
            while try await alice.changed().name != "Bob" {}
            _ = try await alice.ask(.deleteContact(login: "bob"))
            _ = try await bob.ask(.updateMyData(SkaroProfile(name: "Robert")))

            _ = try await bob.client.send("Hello!", to: "alice")

            #expect(try await alice.message().body == "Hello!")
        }
    }
}
