// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import Testing

/// What people and operators may do on a server that was started to be read only.
@Suite(.timeLimit(.minutes(10))) struct ReadOnlyTests {
    private static var policy: ChatPolicy {
        var policy = ChatPolicy()
        policy.mode = .readOnly
        return policy
    }

    @Test(arguments: StorageKind.engines) func peopleLogInAndReadAndChangeNothing(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let group = try await test.createFlow(members: [people[1]], by: people[0])
            let sent = try await test.send("before", to: group, by: people[0])

            try await test.withAnother(policy: Self.policy) { chat in
                let password = Password(ChatUnderTest.password)
                let alice = try await chat.logIn(login: "alice", password: password, from: ChatUnderTest.origin)
                    .principal

                await #expect(throws: ChatError.readOnly) {
                    _ = try await chat.submit(MessageContent(text: "no"), to: group, by: alice)
                }
                await #expect(throws: ChatError.readOnly) { _ = try await chat.edit(sent.uuid, text: "no", by: alice) }
                await #expect(throws: ChatError.readOnly) { _ = try await chat.delete(sent.uuid, in: group, by: alice) }
                await #expect(throws: ChatError.readOnly) { try await chat.updateProfile(of: alice, bio: "no") }
                await #expect(throws: ChatError.readOnly) { _ = try await chat.addContact(login: "bob", of: alice) }
                await #expect(throws: ChatError.readOnly) {
                    _ = try await chat.createFlow(.group, title: "no", info: "", members: [], by: alice)
                }
                await #expect(throws: ChatError.readOnly) {
                    _ = try await chat.register(
                        login: "carol", password: password, username: nil, email: nil, from: ChatUnderTest.origin)
                }
                await #expect(throws: ChatError.readOnly) {
                    try await chat.deleteAccount(
                        of: alice, login: "alice", password: password, from: ChatUnderTest.origin)
                }

                let found = try await chat.messages(in: group, since: Timestamp(seconds: 0), limit: 10, for: alice)
                #expect(found.messages.map(\.content.text) == ["before"])
                #expect(try await chat.contacts(of: alice).isEmpty)
                try await chat.logOut(alice)
            }
        }
    }

    @Test(arguments: StorageKind.engines) func operatorsChangeWhatTheyWant(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy) { test in
            let hash = TokenHash(of: "code").bytes

            let user = try await test.chat.newUser(login: Login("alice"), password: Password(ChatUnderTest.password))
            _ = try await test.chat.write(Write.CreateUser(user), by: nil)
            _ = try await test.chat.write(Write.CreateInvite(codeHash: hash, uses: 1, expires: nil), by: nil)

            #expect(try await test.storage.invite(codeHash: hash)?.usesLeft == 1)
            try await test.logIn("alice")
        }
    }
}
