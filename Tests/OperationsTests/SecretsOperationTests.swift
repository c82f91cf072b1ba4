// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Operations
import Storage
import Testing

/// What is sealed under the key file, and what becomes of it with another file.
struct SecretsOperationTests {
    private static func sealer(_ byte: UInt8) -> Sealer? {
        Sealer(keys: [[UInt8](repeating: byte, count: Sealer.keyBytes)])
    }

    /// The same store under another key file.
    private static func other(_ office: Office) -> Chat {
        var policy = office.chat.policy
        policy.sealer = sealer(2)
        return Chat(
            storage: office.chat.storage, hasher: office.chat.hasher, policy: policy, logger: office.chat.logger)
    }

    @Test func everyAccountIsLookedAtHoweverManyThereAre() async throws {
        let sealer = try #require(Self.sealer(1))
        try await Office.open(sealer: sealer) { office in
            let count = 2100
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<count {
                    let uuid = office.chat.newIdentifier()
                    var random = SecureRandom()
                    // What the last account has is sealed under no key at all.
                    let secret = try sealer.seal(
                        HMACChallenge(Password("x")).bytes, associatedData: Array(uuid.description.utf8), using: &random
                    )
                    let user = NewUser(
                        uuid: uuid, login: "u\(index)", loginKey: "u\(index)", username: "u", passwordHash: "h",
                        challengeSecret: index == count - 1 ? [1, 2, 3] : secret)
                    group.addTask {
                        _ = try await office.chat.write(Write.CreateUser(user), by: nil)
                    }
                }
                try await group.waitForAll()
            }

            #expect(try await office.run(CheckSecrets()) == CheckSecrets.Report(sealed: count, unopened: 1))
        }
    }

    @Test func secondFactorsThatTheKeyFileDoesNotOpenAreCounted() async throws {
        try await Office.open(sealer: Self.sealer(1)) { office in
            for name in ["alice", "bob", "carol"] {
                _ = try await office.run(
                    CreateSuperuser(username: name, login: name, password: SecretText("secret word")))
            }
            for name in ["alice", "bob"] {
                _ = try await office.run(SetSecondFactor(username: name, isEnabled: true))
            }
            let whole = try await office.run(CheckSecrets())
            let context = OperationContext(chat: Self.other(office))

            let damaged = try await CheckSecrets().run(on: context)
            _ = try await office.run(SetSecondFactor(username: "bob", isEnabled: false))
            let half = try await CheckSecrets().run(on: context)

            #expect(whole.factors == 2 && whole.unopenedFactors == 0)
            #expect(damaged.factors == 2 && damaged.unopenedFactors == 2)
            #expect(half.factors == 1 && half.unopenedFactors == 1)
        }
    }

    @Test func heldKeysOfALostKeyFileAreCountedAndReplaced() async throws {
        try await Office.open(sealer: Self.sealer(1)) { office in
            for login in ["alice", "bob"] { try await office.user(login) }
            let alice = try await office.chat.person(login: "alice")
            let bob = try await office.chat.person(login: "bob")
            for person in [alice, bob] {
                _ = try await office.chat.serverHeldKey(of: person, kind: "fastchat", createIfMissing: true)
            }
            _ = try await office.chat.serverKey(SignAssignment.keyName)
            let whole = try await office.run(CheckSecrets())
            let chat = Self.other(office)
            let context = OperationContext(chat: chat)

            let damaged = try await CheckSecrets().run(on: context)
            _ = try await chat.serverHeldKey(of: alice, kind: "fastchat", createIfMissing: true)
            let half = try await CheckSecrets().run(on: context)
            _ = try await chat.serverHeldKey(of: bob, kind: "fastchat", createIfMissing: true)
            _ = try await chat.serverKey(SignAssignment.keyName)
            let healed = try await CheckSecrets().run(on: context)

            #expect(whole == CheckSecrets.Report(sealed: 2, heldKeys: 3))
            #expect(damaged == CheckSecrets.Report(sealed: 2, unopened: 2, heldKeys: 3, unopenedKeys: 3))
            #expect(half.unopenedKeys == 2)
            #expect(healed == CheckSecrets.Report(sealed: 2, unopened: 2, heldKeys: 3))
        }
    }
}
