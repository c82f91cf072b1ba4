// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Credentials

/// A generator whose numbers are known.
struct CountingGenerator: RandomNumberGenerator {
    var value: UInt64 = 0x0706_0504_0302_0100

    mutating func next() -> UInt64 {
        defer { value += 0x0808_0808_0808_0808 }
        return value
    }
}

struct PasswordTests {
    @Test func contentNeverShows() {
        let password = Password("hunter2")
        var dumped = ""
        dump([password], to: &dumped)

        for text in ["\(password)", "\([password])", String(reflecting: password), dumped] {
            #expect(!text.contains("hunter2"))
            #expect(text.contains("[password]"))
        }
    }

    @Test func lengthCountsBytes() {
        #expect(Password("").isEmpty)
        #expect(Password("ключ").byteCount == 8)
        #expect(Password(String(repeating: "x", count: 4096)).isAcceptable)
        #expect(!Password(String(repeating: "x", count: 4097)).isAcceptable)
    }
}

struct TokenTests {
    @Test func textIsLowercaseHexadecimalOfTheRandomBytes() {
        var generator = CountingGenerator()

        let token = Token(byteCount: 20, using: &generator)

        #expect(token.text == "000102030405060708090a0b0c0d0e0f10111213")
    }

    @Test(arguments: [(-1, 16), (0, 16), (16, 16), (17, 17), (64, 64), (10_000, 64)])
    func lengthStaysInRange(asked: Int, given: Int) {
        var random = SecureRandom()

        #expect(Token(byteCount: asked, using: &random).text.utf8.count == given * 2)
    }

    @Test func contentNeverShows() {
        var random = SecureRandom()
        let token = Token(using: &random)
        var dumped = ""
        dump([token.hash.description, token.description], to: &dumped)
        dump(token, to: &dumped)

        for text in ["\(token)", String(reflecting: token), "\(token.hash)", String(reflecting: token.hash), dumped] {
            #expect(!text.contains(token.text))
        }
    }

    /// Made by Python 3.11.
    ///
    /// `hashlib.blake2b(b'00112233445566778899aabbccddeeff', digest_size=32).hexdigest()`
    @Test func hashEqualsHashlib() {
        let hash = TokenHash(of: "00112233445566778899aabbccddeeff")

        #expect(Hexadecimal.text(hash.bytes) == "31479feac01e2225d391f05f32968fc0ea35dfab9c5db6e46a09abb6db6cfa50")
        #expect(
            Hexadecimal.text(TokenHash(of: "").bytes)
                == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8")
    }

    @Test func hashesOfTextAndBytesAgree() {
        for text in ["", "a", "ключ", String(repeating: "ab", count: 500)] {
            let ofBytes = Array(text.utf8).withUnsafeBytes { TokenHash(ofBytes: $0) }
            #expect(ofBytes == TokenHash(of: text))
        }
    }

    @Test func storedBytesRoundTrip() throws {
        let hash = TokenHash(of: "token")

        #expect(try #require(TokenHash(bytes: hash.bytes)) == hash)
        #expect(Set([hash, TokenHash(of: "token"), TokenHash(of: "other")]).count == 2)
        #expect(TokenHash(bytes: hash.bytes.dropLast()) == nil)
        #expect(TokenHash(bytes: hash.bytes + [0]) == nil)
    }

    @Test func everyByteCountsInComparison() throws {
        let bytes = TokenHash(of: "token").bytes

        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x80
            #expect(try #require(TokenHash(bytes: changed)) != TokenHash(of: "token"))
        }
    }
}

struct ConstantTimeTests {
    @Test(arguments: [("", "", true), ("a", "a", true), ("a", "b", false), ("a", "", false), ("ab", "abc", false)])
    func comparesTextAndBytes(left: String, right: String, equal: Bool) {
        #expect(ConstantTime.isEqual(left, right) == equal)
        #expect(ConstantTime.isEqual(Array(left.utf8), Array(right.utf8)) == equal)
    }
}

struct SecureRandomTests {
    @Test func copiesDoNotRepeatEachOther() {
        var first = SecureRandom()
        var copy = first

        #expect((0..<100).map { _ in first.next() } != (0..<100).map { _ in copy.next() })
    }

    @Test func numbersOfManyTasksDiffer() async {
        let all = await withTaskGroup(of: [UInt64].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var random = SecureRandom()
                    return (0..<2000).map { _ in random.next() }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }

        #expect(Set(all).count == 16_000)
        // Every bit is set about half of the time; 16,000 draws stay within a tenth of that.
        for bit in 0..<64 {
            let share = all.count { $0 >> bit & 1 == 1 }
            #expect((7200...8800).contains(share))
        }
    }

    @Test(arguments: [0, 1, 7, 8, 9, 255, 256, 5000]) func bytesHaveTheLengthAsked(_ count: Int) {
        var random = SecureRandom()

        #expect(random.nextBytes(count).count == count)
    }
}
