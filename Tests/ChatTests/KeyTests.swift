// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Credentials
import Storage
import Synchronization
import Testing

@testable import Chat

/// Public keys that people publish, and key pairs that the server holds.
@Suite(.timeLimit(.minutes(10))) struct KeyTests {
    private static func policy(key: UInt8 = 7) -> ChatPolicy {
        var policy = ChatPolicy()
        policy.sealer = Sealer(keys: [[UInt8](repeating: key, count: 32)])
        return policy
    }

    @Test(arguments: StorageKind.engines) func whatIsPublishedIsFound(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let chat = test.chat
            func register(_ login: String, _ publicKey: String?, kind: String = "fastchat") async throws -> UserID {
                try await chat.register(
                    login: login, password: Password(ChatUnderTest.password), username: nil, email: nil,
                    key: publicKey.map { NewKey(kind: kind, publicKey: $0) }, from: ChatUnderTest.origin
                ).principal.user
            }
            let alice = try await register("alice", "alice's")
            let bob = try await register("bob", "bob's")
            let carol = try await register("carol", "other kind", kind: "matrix")
            let users = [alice, bob, carol, try await register("dave", nil)]

            #expect(try await chat.publicKeys(of: users, kind: "fastchat") == [alice: "alice's", bob: "bob's"])
            #expect(try await chat.publicKeys(of: users, kind: "matrix") == [carol: "other kind"])
            #expect(try await chat.publicKeys(of: [], kind: "fastchat").isEmpty)
            await #expect(throws: ChatError.tooLong(field: "public_key", limit: ChatLimits.publicKeyBytes)) {
                _ = try await register("erin", String(repeating: "k", count: ChatLimits.publicKeyBytes + 1))
            }
            await #expect(throws: ChatError.nullCharacter(field: "public_key")) {
                _ = try await register("erin", "a\0")
            }
        }
    }

    @Test func openedKeysAreForgottenByTheirSize() async throws {
        try await ChatUnderTest.with(policy: Self.policy()) { test in
            let stored = Mutex<[String: SealedKeyPair]>([:])
            let reads = Mutex<[String]>([])
            let held = HeldKeys(
                sealer: test.chat.policy.sealer, hasher: test.chat.hasher, logger: test.chat.logger,
                longWork: test.chat.longWork, maximumBytes: 20_000)
            // A key of 2048 bits takes more than half of that.
            for name in ["one", "two", "two", "one"] {
                _ = try await held.key(named: name, makes: true) {
                    true
                } read: {
                    reads.withLock { $0.append(name) }
                    return stored.withLock { $0[name] }
                } put: { pair, _ in
                    stored.withLock { $0[name] = pair }
                    return pair
                }
            }

            #expect(reads.withLock { $0 } == ["one", "two", "one"])
        }
    }

    @Test func keysAreOpenedWhenThereIsAPlaceForLongWork() async throws {
        try await ChatUnderTest.with(policy: Self.policy()) { test in
            let chat = test.chat
            let key = try await chat.serverKey("balancer")
            let held = HeldKeys(
                sealer: chat.policy.sealer, hasher: chat.hasher, logger: chat.logger, longWork: chat.longWork)
            let pair = try await test.storage.serverKey("balancer")

            try await withThrowingTaskGroup(of: RSAPrivateKey?.self) { group in
                try await chat.longWork.withoutPlaces {
                    group.addTask {
                        try await held.key(named: HeldKeys.name(ofServer: "balancer"), makes: false) {
                            true
                        } read: {
                            pair
                        } put: { pair, _ in
                            pair
                        }
                    }
                    await chat.longWork.waits(for: 1)
                }
                #expect(try await group.next()??.publicKey == key.publicKey)
            }
        }
    }

    @Test(arguments: StorageKind.engines) func aHeldKeyIsMadeOnceForAllServers(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy()) { test in
            _ = try await test.registerAll("alice", "bob")
            let alice = try await test.chat.person(login: "alice")
            let bob = try await test.chat.person(login: "bob")
            let another = test.another(policy: Self.policy())
            #expect(try await test.chat.serverHeldKey(of: alice, kind: "fastchat", createIfMissing: false) == nil)

            // Two servers ask at once, each more than once.
            let pems = try await withThrowingTaskGroup(of: String?.self) { group in
                for chat in [test.chat, another, test.chat, another] {
                    group.addTask {
                        try await chat.serverHeldKey(of: alice, kind: "fastchat", createIfMissing: true)?.pem
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            let pem = try #require(pems[0])
            #expect(pems == Array(repeating: pem, count: 4))
            #expect(try await test.chat.serverHeldKey(of: alice, kind: "fastchat", createIfMissing: false)?.pem == pem)
            #expect(try await test.chat.serverHeldKey(of: bob, kind: "fastchat", createIfMissing: false) == nil)
            let stored = try #require(try await test.storage.bridgeKey(of: alice.id, kind: "fastchat"))
            #expect(try RSAPrivateKey(pem: pem).publicKey.pem == stored.publicKey)
            #expect(!String(decoding: stored.sealedPrivateKey, as: UTF8.self).contains("PRIVATE KEY"))
        }
    }

    @Test func withoutTheKeyFileNothingIsHeld() async throws {
        try await ChatUnderTest.with(policy: Self.policy()) { test in
            try await test.register("alice")
            let alice = try await test.chat.person(login: "alice")
            let server = try await test.chat.serverKey("balancer")
            let held = try await test.chat.serverHeldKey(of: alice, kind: "fastchat", createIfMissing: true)
            #expect(held?.pem != server.pem)

            #expect(try await test.another(policy: Self.policy()).serverKey("balancer").pem == server.pem)
            // Another server is alive, whose key file may be the right one.
            _ = try await test.storage.registerNode(NewNode(name: "other", address: ""))
            var wrong = Self.policy(key: 8)
            wrong.sharesStore = true
            for policy in [ChatPolicy(), wrong] {
                let another = test.another(policy: policy)
                await #expect(throws: ChatError.internalFailure) { try await another.serverKey("balancer") }
                await #expect(throws: ChatError.internalFailure) {
                    try await another.serverHeldKey(of: alice, kind: "fastchat", createIfMissing: true)
                }
            }
        }
    }

    @Test(arguments: StorageKind.engines)
    func aKeyPairThatDoesNotOpenIsReplacedByTheOnlyServer(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: Self.policy()) { test in
            try await test.register("alice")
            let alice = try await test.chat.person(login: "alice")
            let lost = try #require(
                try await test.chat.serverHeldKey(of: alice, kind: "fastchat", createIfMissing: true))
            let lostServerKey = try await test.chat.serverKey("balancer")
            let (one, two) = (test.another(policy: Self.policy(key: 8)), test.another(policy: Self.policy(key: 8)))

            // Reading a message makes no key: it was not encrypted for a new one.
            await #expect(throws: ChatError.internalFailure) {
                try await one.serverHeldKey(of: alice, kind: "fastchat", createIfMissing: false)
            }
            async let first = one.serverHeldKey(of: alice, kind: "fastchat", createIfMissing: true)
            async let second = two.serverHeldKey(of: alice, kind: "fastchat", createIfMissing: true)
            let pems = try await [first?.pem, second?.pem]
            let serverKey = try await one.serverKey("balancer")

            let pem = try #require(pems[0])
            #expect(pems == [pem, pem])
            #expect(pem != lost.pem)
            #expect(try await two.serverHeldKey(of: alice, kind: "fastchat", createIfMissing: false)?.pem == pem)
            #expect(serverKey.pem != lostServerKey.pem)
            #expect(try await two.serverKey("balancer").pem == serverKey.pem)
            let stored = try #require(try await test.storage.bridgeKey(of: alice.id, kind: "fastchat"))
            #expect(try RSAPrivateKey(pem: pem).publicKey.pem == stored.publicKey)
        }
    }
}
