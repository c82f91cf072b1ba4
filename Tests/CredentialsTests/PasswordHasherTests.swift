// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Credentials

struct PasswordHasherTests {
    /// The cheapest cost, so that the tests are about behaviour.
    static let cheap = PasswordHasher.Settings(memoryBytes: 8192, iterations: 1)

    static func cheap(_ algorithm: PasswordHasher.Algorithm) -> PasswordHasher.Settings {
        PasswordHasher.Settings(algorithm: algorithm, memoryBytes: 8192, iterations: 1)
    }

    @Test(arguments: PasswordHasher.Algorithm.allCases)
    func hashVerifiesItsPasswordOnly(_ algorithm: PasswordHasher.Algorithm) async throws {
        let hasher = try PasswordHasher(Self.cheap(algorithm))
        let stored = try await hasher.hash(Password("пароль"))

        #expect(try await hasher.verify(Password("пароль"), against: stored))
        #expect(try await !hasher.verify(Password("Пароль"), against: stored))
        #expect(try await !hasher.verify(Password(""), against: stored))
        #expect(try await hasher.hash(Password("пароль")) != stored)
        #expect(!hasher.needsRehash(stored))
    }

    @Test func storedFormStatesTheCost() async throws {
        let hasher = try PasswordHasher(.init(memoryBytes: 1 << 20, iterations: 3))

        let stored = try await hasher.hash(Password("password"))

        #expect(stored.hasPrefix("$argon2id$v=19$m=1024,t=3,p=1$"))
    }

    /// Made by the Python package argon2-cffi.
    ///
    /// `hash_secret(password, b'0123456789abcdef', time_cost, memory_cost, parallelism, 32, Type.ID)`
    @Test(arguments: [
        (
            "correct horse",
            "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MjZP1+1U9JUbDWvDvtLyEsZiNXOKEUxfi6O2oe46uxA"
        ),
        (
            "correct horse",
            "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$rk2Mi3E4dgRMg0fHaYaptWVZRKqs//6b6k3/nntqGJk"
        ),
        (
            "пароль",
            "$argon2id$v=19$m=256,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$vHvKNRFQwV26KSUcowGHM+cdDNQNEpQHgvpJLJvDO24"
        ),
    ])
    func hashesOfOtherProgramsAreRead(password: String, stored: String) async throws {
        let hasher = try PasswordHasher(Self.cheap)

        #expect(try await hasher.verify(Password(password), against: stored))
        #expect(try await !hasher.verify(Password("wrong"), against: stored))
        #expect(hasher.needsRehash(stored))
    }

    @Test func defaultCostIsThatOfTheDesign() throws {
        let stored = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$rk2Mi3E4dgRMg0fHaYaptWVZRKqs//6b6k3/nntqGJk"

        #expect(try !PasswordHasher().needsRehash(stored))
        #expect(try PasswordHasher(.init(iterations: 3)).needsRehash(stored))
        #expect(try PasswordHasher(.init(algorithm: .blake2b)).needsRehash(stored))
    }

    @Test func legacyHashVerifiesAndAsksToBeReplaced() async throws {
        let stored = try LegacyHash(
            hexDigest: "8b915f2f0b0d0ccf27854dd708524d0b5a91bdcd3775c6d3335f63d015a43ce1", salt: Array("salt".utf8),
            key: Array("key".utf8)
        ).stored
        let argon2 = try PasswordHasher(Self.cheap)

        #expect(try await argon2.verify(Password("password"), against: stored))
        #expect(try await !argon2.verify(Password("passwort"), against: stored))
        #expect(argon2.needsRehash(stored))
        #expect(try !PasswordHasher(Self.cheap(.blake2b)).needsRehash(stored))
        #expect(try PasswordHasher(.init(algorithm: .blake2b, digestBytes: 64)).needsRehash(stored))
    }

    @Test(arguments: [
        "", "password", "$", "$argon2id$", "$argon2id$v=19$m=64,t=1,p=1$$",
        "$argon2id$v=16$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
        // Another variant, more memory than is granted, more passes, more lanes, numbers that overflow.
        "$argon2i$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$upMolgTkMlwbVBjdk8MFwkTNVPmQTsViYFz5ZF/pVVg",
        "$argon2id$v=19$m=4194304,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MjZP1+1U9JUbDWvDvtLyEsZiNXOKEUxfi6O2oe46uxA",
        "$argon2id$v=19$m=64,t=4000000000,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MjZP1+1U9JUbDWvDvtLyEsZiNXOKEUxfi6O2oe46uxA",
        "$argon2id$v=19$m=64,t=1,p=255$MDEyMzQ1Njc4OWFiY2RlZg$MjZP1+1U9JUbDWvDvtLyEsZiNXOKEUxfi6O2oe46uxA",
        "$argon2id$v=19$m=99999999999999999999,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MjZP1",
        // Base64 that does not decode, and a zero byte inside.
        "$argon2id$v=19$m=64,t=1,p=1$!!!!$????", "$argon2id$v=19$m=64,t=1,p=1$MDEy\0$MjZP1",
    ])
    func unreadableHashIsAnErrorNotARefusal(_ stored: String) async throws {
        let hasher = try PasswordHasher(Self.cheap)

        await #expect(throws: CredentialsError.unreadableHash) {
            try await hasher.verify(Password("password"), against: stored)
        }
    }

    @Test(arguments: PasswordHasher.Algorithm.allCases)
    func passwordAboveTheLimitIsNotHashed(_ algorithm: PasswordHasher.Algorithm) async throws {
        let hasher = try PasswordHasher(Self.cheap(algorithm))
        let longest = Password(String(repeating: "a", count: Password.maximumBytes))
        let tooLong = Password(String(repeating: "a", count: Password.maximumBytes + 1))
        let stored = try await hasher.hash(longest)

        await #expect(throws: CredentialsError.passwordTooLong(limit: 4096)) { try await hasher.hash(tooLong) }
        #expect(try await hasher.verify(longest, against: stored))
        #expect(try await !hasher.verify(tooLong, against: stored))
    }

    @Test func passwordWithZeroByteIsHashedWhole() async throws {
        let hasher = try PasswordHasher(Self.cheap)
        let stored = try await hasher.hash(Password("a\0b"))

        #expect(try await hasher.verify(Password("a\0b"), against: stored))
        #expect(try await !hasher.verify(Password("a\0c"), against: stored))
        #expect(try await !hasher.verify(Password("a"), against: stored))
    }

    @Test func everySlowHashTakesATurnInTheQueue() async throws {
        let hasher = try PasswordHasher(.init(memoryBytes: 8192, iterations: 1, simultaneous: 1, maximumWaiting: 0))
        let password = Password("password")
        let argon2 = try await hasher.hash(password)
        let legacy = try LegacyHash(password: password, salt: [1], key: [2]).stored
        let gate = Gate()
        async let standing: Bool = hasher.queue.perform {
            gate.block()
            return .success(true)
        }
        await gate.arrival()

        await #expect(throws: CredentialsError.busy) { try await hasher.hash(password) }
        await #expect(throws: CredentialsError.busy) { try await hasher.verify(password, against: argon2) }
        await #expect(throws: CredentialsError.busy) { try await hasher.verifyUnknown(password) }
        // A wrong password for a fast hash costs as much as for a slow one; the right one is known at once.
        await #expect(throws: CredentialsError.busy) { try await hasher.verify(Password("wrong"), against: legacy) }
        #expect(try await hasher.verify(password, against: legacy))
        gate.open()
        #expect(try await standing)
    }

    @Test(arguments: [
        PasswordHasher.Settings(memoryBytes: 8191), .init(memoryBytes: (1 << 30) + 1024), .init(iterations: 0),
        .init(iterations: 65), .init(digestBytes: 15), .init(digestBytes: 65), .init(simultaneous: 0),
        .init(maximumWaiting: -1),
    ])
    func settingOutOfRangeIsNamed(_ settings: PasswordHasher.Settings) {
        #expect {
            try PasswordHasher(settings)
        } throws: { error in
            guard case .invalidParameter(let text)? = error as? CredentialsError else { return false }
            return text.contains("must be")
        }
    }
}
