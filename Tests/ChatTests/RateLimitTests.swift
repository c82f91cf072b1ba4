// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import ChatTesting
import Credentials
import Storage
import TestSupport
import Testing

@testable import Chat

/// How often accounts and addresses may do something, and how much accounts may have.
@Suite(.timeLimit(.minutes(10))) struct RateLimitTests {
    private static func policy(_ change: (inout RateLimits) throws -> Void) throws -> ChatPolicy {
        var policy = ChatPolicy()
        try change(&policy.rates)
        return policy
    }

    private static func origin(_ address: String) -> Origin { Origin(protocol: "test", address: address) }

    @Test func writesOfAnAccountHaveARateAndABurst() async throws {
        let policy = try Self.policy { $0.account.write = Rate("1/s burst 5") }
        try await ChatUnderTest.with(policy: policy) { test in
            let people = try await test.registerAll("alice", "bob")
            // The first of the five.
            let flow = try await test.createFlow(members: people, by: people[0])
            for _ in 0..<4 { try await test.send("hello", to: flow, by: people[0]) }

            await #expect(throws: ChatError.tooManyRequests(seconds: 1)) {
                try await test.send("one too many", to: flow, by: people[0])
            }
            // Nobody else is concerned, and nothing of it was written.
            try await test.send("hi", to: flow, by: people[1])
            #expect(try await test.texts(in: flow, for: people[1]) == ["hello", "hello", "hello", "hello", "hi"])
            test.clock.advance(by: .seconds(1))
            try await test.send("again", to: flow, by: people[0])
        }
    }

    @Test func whoWritesOnceASecondIsNeverRefused() async throws {
        // The default of the settings.
        let policy = try Self.policy { $0.account.write = Rate("600/m burst 600") }
        try await ChatUnderTest.with(policy: policy) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            for number in 0..<2000 {
                test.clock.advance(by: .seconds(1))
                try await test.send("\(number)", to: flow, by: alice)
            }
        }
    }

    @Test func everyWayOfWritingCounts() async throws {
        let policy = try Self.policy { $0.account.write = Rate("1/d burst 4") }
        try await ChatUnderTest.with(policy: policy) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let alice = people[0]
            let bob = try await test.chat.person(login: "bob")
            let flow = try await test.createFlow(members: [alice, people[2]], by: alice)
            let access = try await test.chat.flow(flow, for: alice)
            let message = try await test.send("hello", to: flow, by: alice)
            _ = try await test.chat.addContact(login: "bob", of: alice)
            _ = try await test.chat.addMember(bob, to: access, by: alice)

            let refusal = ChatError.tooManyRequests(seconds: 86_400)
            await #expect(throws: refusal) { try await test.send("more", to: flow, by: alice) }
            await #expect(throws: refusal) { try await test.chat.edit(message.uuid, text: "x", by: alice) }
            await #expect(throws: refusal) { try await test.chat.delete(message.uuid, in: flow, by: alice) }
            await #expect(throws: refusal) { try await test.createFlow(by: alice) }
            await #expect(throws: refusal) { try await test.chat.directFlow(with: bob, by: alice) }
            await #expect(throws: refusal) { try await test.chat.addMember(bob, to: access, by: alice) }
            await #expect(throws: refusal) { try await test.chat.removeMember(bob, from: access, by: alice) }
            await #expect(throws: refusal) { try await test.chat.addContact(login: "carol", of: alice) }
            await #expect(throws: refusal) { try await test.chat.removeContact(login: "bob", of: alice) }
        }
    }

    @Test func readsAndChangesOfTheProfileCount() async throws {
        let policy = try Self.policy {
            $0.account.read = Rate("1/m burst 1")
            $0.account.profileChange = Rate("1/h burst 1")
        }
        try await ChatUnderTest.with(policy: policy) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            #expect(try await test.texts(in: flow, for: alice) == [])
            try await test.chat.updateProfile(of: alice, username: "Alice")

            let refusal = ChatError.tooManyRequests(seconds: 60)
            await #expect(throws: refusal) { try await test.texts(in: flow, for: alice) }
            await #expect(throws: refusal) { try await test.chat.visibleFlows(to: alice) }
            await #expect(throws: refusal) { try await test.chat.contacts(of: alice) }
            await #expect(throws: refusal) { try await test.chat.search(login: "a", for: alice) }
            await #expect(throws: refusal) { try await test.chat.history(of: flow, before: nil, limit: 1, for: alice) }
            // What a push reads is nobody's request.
            _ = try await test.chat.updates(for: alice, after: .start, limit: 10)
            _ = try await test.chat.missed(for: alice, after: .start, limit: 10)
            await #expect(throws: ChatError.tooManyRequests(seconds: 3600)) {
                try await test.chat.updateProfile(of: alice, username: "Bob")
            }
        }
    }

    @Test func readsAndChangesOfTheProfileFromOneAddressShareItsRate() async throws {
        let policy = try Self.policy {
            $0.address.read = Rate("1/m burst 2")
            $0.address.profileChange = Rate("1/h burst 2")
        }
        try await ChatUnderTest.with(policy: policy) { test in
            let people = try await test.registerAll("alice", "bob")
            for person in people {
                _ = try await test.chat.contacts(of: person)
                try await test.chat.updateProfile(of: person, username: "new")
            }

            for person in people {
                await #expect(throws: ChatError.tooManyRequests(seconds: 60)) {
                    try await test.chat.contacts(of: person)
                }
                await #expect(throws: ChatError.tooManyRequests(seconds: 3600)) {
                    try await test.chat.updateProfile(of: person, username: "newer")
                }
            }
            let elsewhere = try await test.logIn("bob", address: "198.51.100.9").principal
            _ = try await test.chat.contacts(of: elsewhere)
            try await test.chat.updateProfile(of: elsewhere, username: "newer")
        }
    }

    @Test func registrationsOfAnAddressAreLimited() async throws {
        let policy = try Self.policy { $0.address.registration = Rate("1/h burst 2") }
        try await ChatUnderTest.with(policy: policy) { test in
            let register = { (login: String, address: String) in
                try await test.chat.register(
                    login: login, password: Password(ChatUnderTest.password), username: nil, email: nil,
                    from: Self.origin(address))
            }
            _ = try await register("a", "2001:db8::1")
            _ = try await register("b", "2001:db8::ffff:2")

            // The same /64 network.
            await #expect(throws: ChatError.tooManyRequests(seconds: 3600)) {
                _ = try await register("c", "2001:db8::3")
            }
            _ = try await register("c", "2001:db8:0:1::3")
            // This machine may be a proxy that nobody has declared.
            for login in ["d", "e", "f"] { _ = try await register(login, "127.0.0.1") }
        }
    }

    @Test func loginsOfAnAddressAndOfAnAccountAreLimited() async throws {
        let policy = try Self.policy {
            $0.address.login = Rate("1/m burst 3")
            $0.account.login = Rate("1/m burst 4")
        }
        try await ChatUnderTest.with(policy: policy) { test in
            try await test.register("alice")
            for _ in 0..<3 { try await test.logIn("alice", address: "198.51.100.1") }

            await #expect(throws: ChatError.tooManyRequests(seconds: 60)) {
                try await test.logIn("alice", address: "198.51.100.1")
            }
            try await test.logIn("alice", address: "198.51.100.2")
            // The account has had its four, from wherever.
            await #expect(throws: ChatError.tooManyRequests(seconds: 60)) {
                try await test.logIn("alice", address: "198.51.100.3")
            }
        }
    }

    @Test func wrongPasswordsOfOthersTakeNoLoginFromTheOwner() async throws {
        let policy = try Self.policy { $0.account.login = Rate("1/d burst 1") }
        try await ChatUnderTest.with(policy: policy) { test in
            try await test.register("alice")
            for number in 0..<20 {
                await #expect(throws: ChatError.wrongPassword) {
                    try await test.logIn("alice", password: "guess", address: "198.51.100.\(number)")
                }
            }

            try await test.logIn("alice")
        }
    }

    @Test func accountsOfOneAddressShareItsRate() async throws {
        let policy = try Self.policy { $0.address.write = Rate("1/s burst 3") }
        try await ChatUnderTest.with(policy: policy) { test in
            let people = try await test.registerAll("alice", "bob")
            let flow = try await test.createFlow(members: people, by: people[0])
            try await test.send("1", to: flow, by: people[0])
            try await test.send("2", to: flow, by: people[1])

            await #expect(throws: ChatError.tooManyRequests(seconds: 1)) {
                try await test.send("3", to: flow, by: people[1])
            }
            let elsewhere = try await test.logIn("bob", address: "198.51.100.9").principal
            try await test.send("from elsewhere", to: flow, by: elsewhere)
        }
    }

    @Test func tokenBringsTheAddressOfItsRequest() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice")
            let token = TokenHash(of: alice.token)

            for address in ["198.51.100.1", "198.51.100.2"] {
                let principal = try await test.chat.principal(
                    uuid: alice.principal.uuid, token: token, from: Self.origin(address))
                #expect(principal.network == IPAddress(address))
            }
            #expect(try await test.chat.principal(uuid: alice.principal.uuid, token: token).network == nil)
        }
    }

    // MARK: Quotas

    @Test func accountOwnsSoManyFlows() async throws {
        let policy = try Self.policy { $0.flows = 2 }
        try await ChatUnderTest.with(policy: policy) { test in
            let people = try await test.registerAll("alice", "bob")
            let bob = try await test.chat.person(login: "bob")
            _ = try await test.createFlow(by: people[0])
            _ = try await test.createFlow(.channel, members: people, by: people[0])

            await #expect(throws: ChatError.notAllowed("This account owns 2 groups and channels, which is the most.")) {
                try await test.createFlow(by: people[0])
            }
            // A chat of two is no such thing, and others have their own.
            _ = try await test.chat.directFlow(with: bob, by: people[0])
            _ = try await test.createFlow(by: people[1])
        }
    }

    @Test(arguments: StorageKind.engines) func fewerOfThemMayBePublic(on kind: StorageKind) async throws {
        let policy = try Self.policy {
            $0.flows = 3
            $0.publicFlows = 1
        }
        try await ChatUnderTest.with(kind, policy: policy) { test in
            let alice = try await test.register("alice").principal
            _ = try await test.createFlow(by: alice)

            await #expect(
                throws: ChatError.notAllowed("This account owns 1 public groups and channels, which is the most.")
            ) { try await test.createFlow(by: alice) }
            for _ in 0..<2 { _ = try await test.createFlow(members: [alice], by: alice) }
            await #expect(throws: ChatError.notAllowed("This account owns 3 groups and channels, which is the most.")) {
                try await test.createFlow(members: [alice], by: alice)
            }
            try await test.chat.setLimits(try #require(AccountLimits("flows=off")), of: alice.user)
            _ = try await test.createFlow(by: alice)
        }
    }

    @Test(arguments: StorageKind.engines) func messagesTakeSoMuchRoom(on kind: StorageKind) async throws {
        let policy = try Self.policy { $0.bytes = 10_000 }
        try await ChatUnderTest.with(kind, policy: policy) { test in
            let people = try await test.registerAll("alice", "bob")
            let flow = try await test.createFlow(members: people, by: people[0])
            let long = String(repeating: "x", count: 4000)
            let first = try await test.send(long, to: flow, by: people[0])
            try await test.send(long, to: flow, by: people[0])

            let refusal = ChatError.notAllowed(
                "The messages of this account take all the room that they may. Delete some.")
            await #expect(throws: refusal) { try await test.send(long, to: flow, by: people[0]) }
            try await test.send(long, to: flow, by: people[1])
            // What was counted is known to whoever starts next.
            await test.chat.storedBytes.save()
            try await test.withAnother(policy: policy) { other in
                await #expect(throws: refusal) {
                    try await other.submit(MessageContent(text: long), to: flow, by: people[0])
                }
            }

            _ = try await test.chat.delete(first.uuid, in: flow, by: people[0])
            try await test.send(long, to: flow, by: people[0])
            let stored = try await test.chat.storedBytes(of: people[0].user)
            #expect((8000...8100).contains(stored))
        }
    }

    // MARK: Limits of single accounts

    @Test(arguments: StorageKind.engines) func accountMayHaveLimitsOfItsOwn(on kind: StorageKind) async throws {
        let policy = try Self.policy {
            $0.account.write = Rate("1/d burst 1")
            $0.flows = 1
        }
        try await ChatUnderTest.with(kind, policy: policy) { test in
            let alice = try await test.register("alice").principal
            let bob = try await test.register("bob").principal
            let limits = try #require(AccountLimits("write=off; flows=2"))
            try await test.chat.setLimits(limits, of: alice.user)

            let flow = try await test.createFlow(by: alice)
            _ = try await test.createFlow(by: alice)
            for _ in 0..<10 { try await test.send("hello", to: flow, by: alice) }
            await #expect(throws: ChatError.self) { try await test.createFlow(by: alice) }
            try await test.send("once", to: flow, by: bob)
            await #expect(throws: ChatError.tooManyRequests(seconds: 86_400)) {
                try await test.send("twice", to: flow, by: bob)
            }
            #expect(try await test.chat.ownLimits(of: alice.user) == limits)

            // They are still there after the next start.
            let next = test.another(policy: policy)
            await next.loadLimits()
            #expect(next.limiter.flows(of: alice.user) == 2)
            #expect(next.limiter.flows(of: bob.user) == 1)

            try await test.chat.setLimits(AccountLimits(), of: alice.user)
            #expect(try await test.chat.ownLimits(of: alice.user).isEmpty)
            await next.reloadLimits(of: alice.user)
            #expect(next.limiter.flows(of: alice.user) == 1)
        }
    }

    @Test(arguments: [
        "write=600/m burst 100; read=off; flows=50; bytes=off", "login=1/s burst 1; profile=off", "", "bytes=1",
    ]) func limitsAreReadAndWritten(text: String) throws {
        #expect(try #require(AccountLimits(text)).description == text)
    }

    @Test(arguments: [
        "write", "write=", "write=1", "speed=1/s", "flows=many", "registration=off", "write=off=off", "\0=1",
    ])
    func nonsenseIsNoLimit(_ text: String) {
        #expect(AccountLimits(text) == nil)
    }

    @Test func bucketsAreBounded() throws {
        var limits = RateLimits()
        limits.account.write = Rate("1/d burst 1")
        limits.address.write = Rate("1/d burst 1")
        let limiter = RateLimiter(limits, capacity: 10)
        let network = try #require(IPAddress("192.0.2.1"))

        #expect(limiter.take(.write, user: UserID(1), network: network, now: 0) == nil)
        #expect(limiter.take(.write, user: UserID(1), network: nil, now: 0) != nil)
        #expect(limiter.take(.write, user: UserID(2), network: network, now: 0) != nil)
        // Refused together: the account has lost nothing.
        #expect(limiter.take(.write, user: UserID(2), network: nil, now: 0) == nil)
        for number in Int64(100)..<200 { _ = limiter.take(.write, user: UserID(number), network: nil, now: 0) }
        #expect(limiter.take(.write, user: UserID(1), network: nil, now: 0) == nil)
    }
}
