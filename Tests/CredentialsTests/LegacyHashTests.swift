// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Credentials

struct LegacyHashTests {
    /// Made by Python 3.11, with the password encoded as UTF-8.
    ///
    /// `hashlib.blake2b(password, digest_size=size, key=key, salt=salt).hexdigest()`
    struct Vector: Sendable, CustomTestStringConvertible {
        var password: String
        var key: [UInt8]
        var salt: [UInt8]
        var size: Int
        var digest: String
        var testDescription: String { "\(size) bytes, key of \(key.count), salt of \(salt.count)" }
    }

    static let vectors: [Vector] = [
        Vector(
            password: "password", key: Array("key".utf8), salt: Array("salt".utf8), size: 32,
            digest: "8b915f2f0b0d0ccf27854dd708524d0b5a91bdcd3775c6d3335f63d015a43ce1"),
        Vector(
            password: "", key: [], salt: [], size: 32,
            digest: "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"),
        Vector(
            password: "пароль 🔑", key: Array(0..<20), salt: Array(0..<16), size: 32,
            digest: "a5702e6903a1a37a46344c6415f5c1321a15f6802063959db623beee91114eda"),
        Vector(
            password: "password", key: Array("key".utf8), salt: Array("salt".utf8), size: 64,
            digest: "6b669dc827223aae22a5bdecd1055f960f475f38e2513be775ab013e7398d433"
                + "17460a0815fb518f913d2b3933d59e7bcb9dc0461b964fee16ba3058a2e8d876"),
        Vector(password: "password", key: Array("key".utf8), salt: Array("salt".utf8), size: 1, digest: "1c"),
        Vector(
            password: String(repeating: "a", count: 1000), key: Array(repeating: UInt8(ascii: "k"), count: 64),
            salt: Array(repeating: UInt8(ascii: "s"), count: 16), size: 20,
            digest: "36eac8a32fa548671c1c76678bfaf8c9172e35ca"),
        Vector(
            password: "nul\0inside", key: [0], salt: [0, 1], size: 32,
            digest: "d431431935bebbcbad7dc997b6b25f69c3e717d6d1e2f240f9e61d6fede079df"),
    ]

    @Test(arguments: vectors) func equalsHashlib(_ vector: Vector) throws {
        let hash = try LegacyHash(
            password: Password(vector.password), salt: vector.salt, key: vector.key, size: vector.size)

        #expect(hash.hexDigest == vector.digest)
        #expect(hash.matches(Password(vector.password)))
        #expect(!hash.matches(Password(vector.password + "x")) || vector.size == 1)
    }

    @Test(arguments: vectors) func storedFormRoundTrips(_ vector: Vector) throws {
        let imported = try LegacyHash(hexDigest: vector.digest.uppercased(), salt: vector.salt, key: vector.key)

        let read = try #require(LegacyHash(stored: imported.stored))

        #expect(read == imported)
        #expect(read.matches(Password(vector.password)))
    }

    /// Made by Python 3.11.
    ///
    /// `hashlib.blake2b(uuid.to_bytes(uuid.bit_length(), 'little'), digest_size=size, salt=salt).hexdigest()`
    static let authenticators: [(uuid: UInt128, salt: [UInt8], size: Int, expected: String)] = [
        (0, Array("salt".utf8), 16, "c8d682029e33a968ffedfdc5d3226a70"),
        (1, Array("salt".utf8), 16, "685a30857611164b874a1aada5d3bd66"),
        (123_456_789, Array("salt".utf8), 16, "6989f3f8d1b9c2fdf0bb858a5953d07c"),
        (255, [], 16, "74512d78b1adf3a9e20f21a5d1812d74"),
        (UInt128.max, Array(0..<16), 16, "a387964057a0240a1171f902e751ae35"),
        ((1 << 127) + 12345, Array(0..<16), 32, "925177f518afb33548872779ca52b8672fc0a0f7da44caaf3c92bb45932dfd3f"),
    ]

    @Test(arguments: authenticators)
    func authenticatorEqualsReference(uuid: UInt128, salt: [UInt8], size: Int, expected: String) throws {
        #expect(try LegacyHash.authenticator(uuid: uuid, salt: salt, size: size) == expected)
    }

    @Test(arguments: [
        "", "$", "$blake2b$", "$blake2b$size=2,key=$$", "$blake2b$size=2,key=00$00$000",
        "$blake2b$size=3,key=00$00$0000",
        "$blake2b$size=2,key=0g$00$0000", "$blake2b$key=00,size=2$00$0000", "$blake2s$size=2,key=00$00$0000",
        "$blake2b$size=2,key=00$0000000000000000000000000000000000$0000", "$blake2b$size=0,key=00$00$",
        "x$blake2b$size=2,key=00$00$0000", "$blake2b$size=2,key=00$00$0000$", "$blake2b$size=-2,key=00$00$0000",
    ])
    func malformedStoredFormIsNil(_ stored: String) {
        #expect(LegacyHash(stored: stored) == nil)
    }

    @Test func lengthsOutOfRangeAreRefused() {
        let password = Password("password")

        #expect(throws: CredentialsError.self) {
            try LegacyHash(password: password, salt: Array(repeating: 0, count: 17), key: [])
        }
        #expect(throws: CredentialsError.self) {
            try LegacyHash(password: password, salt: [], key: Array(repeating: 0, count: 65))
        }
        #expect(throws: CredentialsError.self) { try LegacyHash(password: password, salt: [], key: [], size: 0) }
        #expect(throws: CredentialsError.self) { try LegacyHash(password: password, salt: [], key: [], size: 65) }
        #expect(throws: CredentialsError.self) { try LegacyHash(hexDigest: "xy", salt: [], key: []) }
        #expect(throws: CredentialsError.self) { try LegacyHash.authenticator(uuid: 1, salt: [], size: 65) }
    }
}
