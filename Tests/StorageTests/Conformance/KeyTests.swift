// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct KeyTests {
    @Test(arguments: StorageKind.available)
    func keysAreFoundByAccountAndKind(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            func create(_ login: String, _ key: NewKey?) async throws -> UserID {
                var user = test.newUser(login)
                user.key = key
                return try await test.done(Write.CreateUser(user)).userID
            }
            let alice = try await create("alice", NewKey(kind: "fastchat", device: "one", publicKey: "first"))
            let bob = try await create("bob", NewKey(kind: "fastchat", publicKey: "bob's"))
            let carol = try await create("carol", nil)
            let dave = try await create("dave", NewKey(kind: "matrix", publicKey: "other"))

            let keys = try await test.storage.keys(of: [bob, carol, alice, dave, UserID(99)], kind: "fastchat")

            #expect(keys.map(\.publicKey) == ["first", "bob's"])
            let time = test.clock.now
            #expect(
                keys.first
                    == PublicKeyRecord(user: alice, device: "one", kind: "fastchat", publicKey: "first", time: time))
            #expect(try await test.storage.keys(of: [], kind: "fastchat") == [])
            #expect(try await test.storage.keys(of: [carol], kind: "fastchat") == [])

            try await test.done(Write.DeleteUser(bob))
            #expect(try await test.storage.keys(of: [bob], kind: "fastchat") == [])
        }
    }

    @Test(arguments: StorageKind.available)
    func whateverIsSealedIsFound(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let pair = SealedKeyPair(publicKey: "one", sealedPrivateKey: [1])
            let alice = try await test.createUser("alice")
            try await test.done(
                Write.CreateUser(test.newUser("root"), admin: NewAdmin(username: "root", passwordHash: "h")))
            #expect(try await !test.storage.holdsSealedSecrets())

            try await test.done(Write.SetTOTP(username: "root", [1]))
            #expect(try await test.storage.holdsSealedSecrets())
            try await test.done(Write.SetTOTP(username: "root", nil))
            _ = try await test.storage.putBridgeKey(pair, of: alice, kind: "fastchat")
            #expect(try await test.storage.holdsSealedSecrets())
            try await test.done(Write.DeleteUser(alice))
            #expect(try await !test.storage.holdsSealedSecrets())
            var bob = test.newUser("bob")
            bob.challengeSecret = [1]
            let user = try await test.done(Write.CreateUser(bob)).userID
            #expect(try await test.storage.holdsSealedSecrets())
            try await test.done(Write.DeleteUser(user))
            #expect(try await !test.storage.holdsSealedSecrets())
            _ = try await test.storage.putServerKey(pair, name: "balancer")
            #expect(try await test.storage.holdsSealedSecrets())
        }
    }

    @Test(arguments: StorageKind.available)
    func theFirstKeyPairOfThePersonStays(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let first = SealedKeyPair(publicKey: "one", sealedPrivateKey: [0, 255, 1])
            let second = SealedKeyPair(publicKey: "two", sealedPrivateKey: [2])
            #expect(try await test.storage.bridgeKey(of: alice, kind: "fastchat") == nil)

            #expect(try await test.storage.putBridgeKey(first, of: alice, kind: "fastchat") == first)
            #expect(try await test.storage.putBridgeKey(second, of: alice, kind: "fastchat") == first)

            #expect(try await test.storage.bridgeKey(of: alice, kind: "fastchat") == first)
            #expect(try await test.storage.bridgeKey(of: alice, kind: "other") == nil)
            #expect(try await test.storage.putBridgeKey(second, of: alice, kind: "other") == second)
            try await test.done(Write.DeleteUser(alice))
            #expect(try await test.storage.bridgeKey(of: alice, kind: "fastchat") == nil)
        }
    }

    @Test(arguments: StorageKind.available)
    func aKeyPairIsReplacedOnlyIfItIsStillThere(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let pairs = (1...3).map { SealedKeyPair(publicKey: "\($0)", sealedPrivateKey: [$0]) }
            let storage = test.storage
            _ = try await storage.putBridgeKey(pairs[0], of: alice, kind: "fastchat")
            _ = try await storage.putServerKey(pairs[0], name: "balancer")

            for (new, old, stored) in [(pairs[1], pairs[0], pairs[1]), (pairs[2], pairs[0], pairs[1])] {
                #expect(try await storage.putBridgeKey(new, of: alice, kind: "fastchat", replacing: old) == stored)
                #expect(try await storage.putServerKey(new, name: "balancer", replacing: old) == stored)
            }

            #expect(try await storage.bridgeKey(of: alice, kind: "fastchat") == pairs[1])
            #expect(try await storage.serverKey("balancer") == pairs[1])
        }
    }

    @Test(arguments: StorageKind.available)
    func heldKeyPairsAreReadPageByPage(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let users = [try await test.createUser("alice"), try await test.createUser("bob")]
            let pair = SealedKeyPair(publicKey: "p", sealedPrivateKey: [0, 255])
            for user in users {
                for kind in ["other", "fastchat"] {
                    _ = try await test.storage.putBridgeKey(pair, of: user, kind: kind)
                }
            }

            var found: [BridgeKeyRecord] = []
            while true {
                let page = try await test.storage.bridgeKeys(
                    after: found.last?.user ?? UserID(0), kind: found.last?.kind ?? "", limit: 1)
                guard let record = page.first else { break }
                #expect(page.count == 1)
                found.append(record)
            }

            #expect(found.map(\.user) == [users[0], users[0], users[1], users[1]])
            #expect(found.map(\.kind) == ["fastchat", "other", "fastchat", "other"])
            #expect(found.allSatisfy { $0.pair == pair })
            let alice = try #require(try await test.storage.user(users[0]))
            #expect(found.first?.uuid == alice.uuid)
        }
    }

    @Test(arguments: StorageKind.shared)
    func allNodesEndWithTheSameKeyPair(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            try await test.withAnother { other in
                for round in 0..<10 {
                    let mine = SealedKeyPair(publicKey: "mine", sealedPrivateKey: [1])
                    let theirs = SealedKeyPair(publicKey: "theirs", sealedPrivateKey: [2])
                    async let one = test.storage.putServerKey(mine, name: "balancer \(round)")
                    async let two = other.putServerKey(theirs, name: "balancer \(round)")

                    let (ours, others) = try await (one, two)

                    #expect(ours == others)
                    #expect(try await test.storage.serverKey("balancer \(round)") == ours)
                }
                #expect(try await other.serverKey("nothing") == nil)
            }
        }
    }
}
