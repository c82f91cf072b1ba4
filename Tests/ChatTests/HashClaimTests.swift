// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Testing

@testable import Credentials

/// Every password is hashed for an account and an address, so that neither takes all places of the queue.
@Suite(.timeLimit(.minutes(10))) struct HashClaimTests {
    /// Of 32 places an account has two and an address sixteen.
    private static let places = 32

    private static func waits(_ hasher: PasswordHasher, for count: Int) async {
        while hasher.load.waiting < count { await Task.yield() }
    }

    @Test func anAccountHasItsShareFromWhereverItComes() async throws {
        try await ChatUnderTest.with(waitingHashes: Self.places) { test in
            let hasher = test.chat.hasher
            let alice = try await test.register("alice").principal
            try await test.register("bob")
            try await withThrowingTaskGroup(of: Void.self) { logins in
                try await hasher.withoutHashes {
                    for number in 1...2 {
                        logins.addTask { try await test.logIn("alice", address: "198.51.100.\(number)") }
                        await Self.waits(hasher, for: number)
                    }

                    await #expect(throws: ChatError.busy) { try await test.logIn("alice", address: "198.51.100.3") }
                    await #expect(throws: ChatError.busy) {
                        try await test.chat.deleteAccount(
                            of: alice, login: "alice", password: Password(ChatUnderTest.password),
                            from: Origin(protocol: "test", address: "198.51.100.4"))
                    }
                    logins.addTask { try await test.logIn("bob", address: "198.51.100.1") }
                    await Self.waits(hasher, for: 3)
                }
                try await logins.waitForAll()
            }
        }
    }

    @Test func anAddressHasItsShareForAllItsAccounts() async throws {
        try await ChatUnderTest.with(waitingHashes: Self.places) { test in
            let hasher = test.chat.hasher
            try await test.register("alice")
            @Sendable func register(_ login: String, _ address: String) async throws {
                _ = try await test.chat.register(
                    login: login, password: Password(ChatUnderTest.password), username: nil, email: nil,
                    from: Origin(protocol: "test", address: address))
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await hasher.withoutHashes {
                    for number in 1...16 {
                        group.addTask { try await register("new \(number)", "198.51.100.1") }
                        await Self.waits(hasher, for: number)
                    }

                    await #expect(throws: ChatError.busy) { try await register("one more", "198.51.100.1") }
                    await #expect(throws: ChatError.busy) { try await test.logIn("alice", address: "198.51.100.1") }
                    // An administrator's, of whom there is none.
                    await #expect(throws: ChatError.busy) {
                        _ = try await test.chat.checkAdministrator(
                            name: "root", password: Password("guess"), code: "",
                            from: Origin(protocol: "panel", address: "198.51.100.1"))
                    }
                    group.addTask { try await register("elsewhere", "198.51.100.2") }
                    await Self.waits(hasher, for: 17)
                }
                try await group.waitForAll()
            }
        }
    }
}
