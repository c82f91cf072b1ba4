// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Credentials

struct SealerTests {
    private let secret = Array("the states of an HMAC".utf8)
    private let owner = Array("user 7".utf8)

    private func sealer(_ numbers: UInt8...) throws -> Sealer {
        try #require(Sealer(keys: numbers.map { [UInt8](repeating: $0, count: 32) }))
    }

    private func sealed(with sealer: Sealer) throws -> [UInt8] {
        var random = SecureRandom()
        return try sealer.seal(secret, associatedData: owner, using: &random)
    }

    @Test func whatWasSealedOpens() throws {
        let sealer = try sealer(1)
        let sealed = try sealed(with: sealer)

        #expect(try sealer.open(sealed, associatedData: owner) == secret)
        #expect(sealed.count == secret.count + Sealer.overheadBytes)
        #expect(try self.sealed(with: sealer) != sealed)
    }

    @Test func formIsVersionNonceCiphertextTag() throws {
        // Made with pycryptodome: AES.new(b"\x01" * 32, AES.MODE_GCM, nonce=bytes(range(12))), update(b"\x01user 7").
        let expected =
            "01000102030405060708090a0bcfcef006538a670d9b19c7ab4649a9cd8e8e26"
            + "4bb6f3618e633e86bff5fde5f557e97b8e23"
        var random = CountingGenerator()

        let sealed = try sealer(1).seal(secret, associatedData: owner, using: &random)

        #expect(Hexadecimal.text(sealed) == expected)
    }

    @Test func emptyBytesAndEmptyAssociatedDataAreSealedToo() throws {
        var random = SecureRandom()
        let sealer = try sealer(1)

        let sealed = try sealer.seal([], associatedData: [], using: &random)

        #expect(try sealer.open(sealed, associatedData: []).isEmpty)
        #expect(throws: SealError.notAuthentic) { try sealer.open(sealed, associatedData: [0]) }
    }

    @Test func everyAlteredByteIsNoticed() throws {
        let sealer = try sealer(1)
        let sealed = try sealed(with: sealer)

        for index in sealed.indices {
            var altered = sealed
            altered[index] ^= 1

            #expect(throws: index == 0 ? SealError.unknownForm : .notAuthentic) {
                try sealer.open(altered, associatedData: owner)
            }
        }
        for count in 0..<sealed.count {
            #expect(throws: SealError.self) { try sealer.open(Array(sealed.prefix(count)), associatedData: owner) }
        }
    }

    @Test func secretOfOneUserDoesNotOpenForAnother() throws {
        let sealer = try sealer(1)
        let sealed = try sealed(with: sealer)

        #expect(throws: SealError.notAuthentic) { try sealer.open(sealed, associatedData: Array("user 8".utf8)) }
    }

    @Test func firstKeySealsAndAllOpen() throws {
        let old = try sealed(with: sealer(1))
        let both = try sealer(2, 1)
        let new = try sealed(with: both)

        #expect(try both.open(old, associatedData: owner) == secret)
        #expect(try both.open(new, associatedData: owner) == secret)
        #expect(try sealer(2).open(new, associatedData: owner) == secret)
        #expect(throws: SealError.notAuthentic) { try sealer(2).open(old, associatedData: owner) }
    }

    @Test func numberAndLengthOfKeysAreBounded() {
        let key = [UInt8](repeating: 1, count: 32)

        #expect(Sealer(keys: []) == nil)
        #expect(Sealer(keys: [[UInt8](key.dropLast())]) == nil)
        #expect(Sealer(keys: [key, key + [1]]) == nil)
        #expect(Sealer(keys: Array(repeating: key, count: 16)) != nil)
        #expect(Sealer(keys: Array(repeating: key, count: 17)) == nil)
    }

    @Test func lengthIsBounded() throws {
        var random = SecureRandom()
        let sealer = try sealer(1)
        let most = [UInt8](repeating: 7, count: Sealer.maximumBytes)

        let sealed = try sealer.seal(most, associatedData: [], using: &random)

        #expect(try sealer.open(sealed, associatedData: []) == most)
        #expect(throws: SealError.tooLong(limit: Sealer.maximumBytes)) {
            try sealer.seal(most + [7], associatedData: [], using: &random)
        }
    }

    @Test func keysNeverShow() throws {
        var dumped = ""
        dump(try sealer(0xAB), to: &dumped)

        #expect(dumped.contains("[sealer]"))
        #expect(!dumped.contains("171"))
    }
}
