// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import Testing

/// Who is told that somebody came, went or changed.
@Suite(.timeLimit(.minutes(10))) struct PresenceTests {
    private static func policy(
        merge: Duration = .milliseconds(1), changesPerMinute: Int = 1000, isEnabled: Bool = true
    ) -> ChatPolicy {
        var policy = ChatPolicy()
        policy.presence.merge = merge
        policy.presence.changesPerMinute = changesPerMinute
        policy.presence.isEnabled = isEnabled
        return policy
    }

    /// A connection of somebody who watches their contacts.
    private static func watcher(
        _ principal: Principal, contacts: [String], in chat: Chat
    ) async throws -> RecordingConnection {
        let connection = RecordingConnection(watchesContacts: true)
        for login in contacts { _ = try await chat.addContact(login: login, of: principal) }
        chat.hub.attach(connection, principal: principal, wantsNews: false)
        try await chat.watchContacts(connection, of: principal)
        return connection
    }

    private static func connect(_ principal: Principal, to chat: Chat) -> RecordingConnection {
        let connection = RecordingConnection()
        chat.hub.attach(connection, principal: principal, wantsNews: false)
        return connection
    }

    @Test(arguments: StorageKind.engines) func theFirstDeviceComesTheLastOneGoes(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy()) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            try await test.settled()
            let watcher = try await Self.watcher(people[0], contacts: ["bob", "carol"], in: test.chat)

            let phone = Self.connect(people[1], to: test.chat)
            #expect(await watcher.nextChanges() == ["bob online"])
            #expect(test.chat.isOnline(people[1].user))
            let desk = Self.connect(people[1], to: test.chat)
            test.chat.hub.detach(phone)
            #expect(test.chat.isOnline(people[1].user))
            // Nothing to tell of; or else it would come first.
            let carol = Self.connect(people[2], to: test.chat)
            #expect(await watcher.nextChanges() == ["carol online"])
            test.chat.hub.detach(desk)
            #expect(await watcher.nextChanges() == ["bob offline"])
            #expect(!test.chat.isOnline(people[1].user))
            test.chat.hub.detach(carol)
            #expect(await watcher.nextChanges() == ["carol offline"])
        }
    }

    @Test func whatChangedBackIsNotTold() async throws {
        try await ChatUnderTest.with { test in
            let people = try await test.registerAll("alice", "bob", "carol", "dave")
            try await test.settled()
            for login in ["bob", "carol", "dave"] {
                _ = try await test.chat.addContact(login: login, of: people[0])
            }
            // Does not look at the changes before it runs.
            let chat = test.another(policy: Self.policy())
            let watcher = try await Self.watcher(people[0], contacts: [], in: chat)

            for _ in 0..<3 { chat.hub.detach(Self.connect(people[1], to: chat)) }
            let others = [Self.connect(people[2], to: chat), Self.connect(people[3], to: chat)]
            try await test.running(chat) { chat in
                #expect(await watcher.nextChanges() == ["carol online", "dave online"])
                chat.hub.detach(others[0])
                #expect(await watcher.nextChanges() == ["carol offline"])
            }
        }
    }

    @Test func changesPerMinuteAreLimitedAndTheLastStateIsTold() async throws {
        try await ChatUnderTest.with(policy: Self.policy(merge: .milliseconds(5), changesPerMinute: 4)) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            try await test.settled()
            let watcher = try await Self.watcher(people[0], contacts: ["bob", "carol"], in: test.chat)
            for _ in 0..<2 {
                let connection = Self.connect(people[1], to: test.chat)
                #expect(await watcher.nextChanges() == ["bob online"])
                test.chat.hub.detach(connection)
                #expect(await watcher.nextChanges() == ["bob offline"])
            }

            let connection = Self.connect(people[1], to: test.chat)
            let carol = Self.connect(people[2], to: test.chat)
            #expect(await watcher.nextChanges() == ["carol online"], "bob's changes of this minute are used up")
            test.chat.hub.detach(carol)
            #expect(await watcher.nextChanges() == ["carol offline"])
            test.wallClock.advance(milliseconds: 60_000)

            #expect(await watcher.nextChanges() == ["bob online"])
            test.chat.hub.detach(connection)
            #expect(await watcher.nextChanges() == ["bob offline"])
        }
    }

    @Test(arguments: StorageKind.engines) func changedProfilesAreTold(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy()) { test in
            let people = try await test.registerAll("alice", "bob")
            try await test.settled()
            let watcher = try await Self.watcher(people[0], contacts: ["bob"], in: test.chat)

            try await test.chat.updateProfile(of: people[1], bio: "new")
            #expect(await watcher.nextChanges() == ["bob offline changed"])
            let connection = Self.connect(people[1], to: test.chat)
            #expect(await watcher.nextChanges() == ["bob online"])
            try await test.chat.updateProfile(of: people[1], username: "Bob")
            #expect(await watcher.nextChanges() == ["bob online changed"])
            test.chat.hub.detach(connection)
        }
    }

    @Test func switchedOffNobodyIsOnline() async throws {
        try await ChatUnderTest.with(policy: Self.policy(isEnabled: false)) { test in
            let people = try await test.registerAll("alice", "bob")
            try await test.settled()
            let watcher = try await Self.watcher(people[0], contacts: ["bob"], in: test.chat)

            let connection = Self.connect(people[1], to: test.chat)
            test.chat.hub.detach(connection)
            _ = Self.connect(people[1], to: test.chat)
            // Names are not presence.
            try await test.chat.updateProfile(of: people[1], bio: "new")

            #expect(await watcher.nextChanges() == ["bob offline changed"])
            #expect(!test.chat.isOnline(people[1].user))
            #expect(test.chat.hub.isConnected(people[1].user))
            #expect(try await test.chat.contacts(of: people[0]).map(\.isOnline) == [false])
        }
    }

    @Test(arguments: StorageKind.engines) func whoIsAddedIsWatchedAndWhoIsRemovedIsNot(
        on kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy()) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            try await test.settled()
            let watcher = try await Self.watcher(people[0], contacts: [], in: test.chat)
            let ignorant = RecordingConnection()
            test.chat.hub.attach(ignorant, principal: people[0], wantsNews: false)

            _ = try await test.chat.addContact(login: "bob", of: people[0])
            _ = try await test.chat.addContact(login: "carol", of: people[0])
            // Comes through the log after the contacts, so by then they are watched.
            try await test.chat.updateProfile(of: people[1], bio: "new")
            #expect(await watcher.nextChanges() == ["bob offline changed"])
            let bob = Self.connect(people[1], to: test.chat)
            #expect(await watcher.nextChanges() == ["bob online"])

            _ = try await test.chat.removeContact(login: "bob", of: people[0])
            try await test.chat.updateProfile(of: people[2], bio: "new")
            #expect(await watcher.nextChanges() == ["carol offline changed"])
            test.chat.hub.detach(bob)
            let carol = Self.connect(people[2], to: test.chat)
            #expect(await watcher.nextChanges() == ["carol online"])

            // Who is gone is told nothing.
            test.chat.hub.detach(watcher)
            let again = try await Self.watcher(people[0], contacts: [], in: test.chat)
            test.chat.hub.detach(carol)
            #expect(await again.nextChanges() == ["carol offline"])
        }
    }

    @Test func whoeverIsHiddenIsNotTold() async throws {
        try await ChatUnderTest.with(policy: Self.policy()) { test in
            let people = try await test.registerAll("alice", "bob")
            try await test.settled()
            let hidden = try await test.chat.newUser(login: Login("hidden"), password: Password("x"), isHidden: true)
            let user = try await test.chat.write(Write.CreateUser(hidden), by: nil).userID
            let watcher = try await Self.watcher(people[0], contacts: ["bob"], in: test.chat)
            test.chat.presence.watch(watcher, [user])

            var principal = people[1]
            principal.user = user
            _ = Self.connect(principal, to: test.chat)
            _ = Self.connect(people[1], to: test.chat)

            #expect(await watcher.nextChanges() == ["bob online"])
        }
    }

    /// A connection can be used by one account after the other.
    @Test func whoHandsTheConnectionOverGoes() async throws {
        try await ChatUnderTest.with(policy: Self.policy()) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            try await test.settled()
            let watcher = try await Self.watcher(people[0], contacts: ["bob", "carol"], in: test.chat)
            let connection = Self.connect(people[1], to: test.chat)
            #expect(await watcher.nextChanges() == ["bob online"])

            test.chat.hub.attach(connection, principal: people[2], wantsNews: false)

            var changes: [String] = []
            while changes.count < 2 { changes += await watcher.nextChanges() }
            #expect(changes.sorted() == ["bob offline", "carol online"])
        }
    }

    @Test func tenThousandComeAndGo() async throws {
        let count = 10_000
        try await ChatUnderTest.with(policy: Self.policy(merge: .milliseconds(50))) { test in
            let alice = try await test.register("alice").principal
            var users: [UserID] = []
            for thousand in 0..<count / 1000 {
                let writes = (0..<1000).map { number in
                    let login = "user \(thousand * 1000 + number)"
                    return Write(
                        Write.CreateUser(
                            NewUser(
                                uuid: test.chat.newIdentifier(), login: login, loginKey: login, username: login,
                                passwordHash: "none")), by: WriteOrigin(uuid: test.chat.newIdentifier(), author: nil))
                }
                for outcome in try await test.direct.commit(writes).outcomes {
                    users.append(try outcome.receipt.userID)
                }
            }
            let watcher = RecordingConnection(watchesContacts: true)
            test.chat.hub.attach(watcher, principal: alice, wantsNews: false)
            test.chat.presence.watch(watcher, users)
            func told(of kind: String) async -> Set<String> {
                var people: Set<String> = []
                while people.count < count { people.formUnion(await watcher.nextChanges()) }
                #expect(people.allSatisfy { $0.hasSuffix(kind) })
                return people
            }

            var connections: [RecordingConnection] = []
            for user in users {
                var principal = alice
                principal.user = user
                connections.append(Self.connect(principal, to: test.chat))
            }
            #expect(await told(of: "online").count == count)
            #expect(test.chat.hub.counts.connections == count + 1)
            for connection in connections { test.chat.hub.detach(connection) }
            #expect(await told(of: "offline").count == count)
            #expect(test.chat.hub.counts.connections == 1)
        }
    }
}
