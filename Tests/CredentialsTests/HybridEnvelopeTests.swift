// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Credentials

struct HybridEnvelopeTests {
    private func text(_ envelope: HybridEnvelope, openedWith key: RSAPrivateKey) -> String? {
        var random = SecureRandom()
        return envelope.text(openedWith: key, using: &random)
    }

    private func sealed(_ text: String, for key: RSAPublicKey) throws -> HybridEnvelope {
        var random = SecureRandom()
        return try HybridEnvelope(sealing: text, for: key, using: &random)
    }

    @Test(arguments: FastChatVectors.all) func textOfOldClientsOpens(_ vectors: FastChatVectors) throws {
        let key = try RSAPrivateKey(pem: vectors.privateKey)
        let envelope = HybridEnvelope(message: vectors.message, key: vectors.key)

        #expect(text(envelope, openedWith: key) == FastChatVectors.text)
    }

    /// The messages come from pycryptodome, with the secret 00…1d and the initialization vector 20…2f.
    @Test(arguments: [
        ("", "ICEiIyQlJicoKSorLC0uL4gxulf2COyzqerR/oQLXGg="),
        ("sixteen bytes 16", "ICEiIyQlJicoKSorLC0uL4X95y1GKc81UGjWMINhArTgUzMswY0BdwgiqkKbjKpP"),
        (FastChatVectors.text, "ICEiIyQlJicoKSorLC0uL6Tp+SPpgWYC9ibniGkKUUksaE5jLXiS7QzLIAnVZA2E"),
    ]) func textIsSealedAsOldClientsDo(text: String, message: String) throws {
        let key = try RSAPrivateKey(pem: FastChatVectors.current.privateKey)
        var random = CountingGenerator()

        let envelope = try HybridEnvelope(sealing: text, for: key.publicKey, using: &random)

        #expect(envelope.message == message)
        #expect(try key.decrypt(#require(Base64.bytes(envelope.key))) == Array(0..<30))
        #expect(self.text(envelope, openedWith: key) == text)
    }

    @Test(arguments: FastChatVectors.all) func everyEnvelopeHasItsOwnSecret(_ vectors: FastChatVectors) throws {
        let key = try RSAPublicKey(pem: vectors.publicKey)

        let first = try sealed("same", for: key)
        let second = try sealed("same", for: key)

        #expect(first.key != second.key)
        #expect(first.message != second.message)
    }

    @Test func textsOfEveryLengthGoThere() throws {
        let key = try RSAPrivateKey(pem: FastChatVectors.old.privateKey)
        let image = String(repeating: "iVBORw0KGgo", count: 60_000)

        for count in 0...33 {
            let text = String(repeating: "é", count: count) + (count.isMultiple(of: 2) ? "x" : "")
            #expect(try self.text(sealed(text, for: key.publicKey), openedWith: key) == text)
        }
        #expect(try text(sealed(image, for: key.publicKey), openedWith: key) == image)
    }

    @Test(arguments: FastChatVectors.all) func everyFailureIsTheSameNil(_ vectors: FastChatVectors) throws {
        let key = try RSAPrivateKey(pem: vectors.privateKey)
        let stranger = try RSAPrivateKey(newBits: vectors.bits)
        let good = HybridEnvelope(message: vectors.message, key: vectors.key)
        var shortened = try #require(Base64.bytes(good.message))
        shortened.removeLast(16)
        let envelopes = [
            ("empty", HybridEnvelope(message: "", key: "")),
            ("no key", HybridEnvelope(message: good.message, key: "")),
            ("no message", HybridEnvelope(message: "", key: good.key)),
            ("no base64", HybridEnvelope(message: "{}", key: good.key)),
            ("key of another length", HybridEnvelope(message: good.message, key: "AAAA")),
            (
                "key above the modulus",
                .init(message: good.message, key: Base64.text(.init(repeating: 255, count: vectors.bits / 8)))
            ),
            (
                "initialization vector only",
                .init(message: Base64.text([UInt8](repeating: 0, count: 16)), key: good.key)
            ),
            ("half a block", .init(message: Base64.text([UInt8](repeating: 0, count: 24)), key: good.key)),
            ("last block missing", .init(message: Base64.text(shortened), key: good.key)),
            ("secret of another length", .init(message: vectors.messageOfShortSecret, key: vectors.shortSecret)),
            ("no text", .init(message: vectors.messageOfNoText, key: vectors.keyOfNoText)),
            ("for somebody else", try sealed("secret", for: stranger.publicKey)),
            ("too long", .init(message: String(repeating: "A", count: (1 << 20) + 4), key: good.key)),
        ]

        for (name, envelope) in envelopes { #expect(text(envelope, openedWith: key) == nil, "\(name)") }
    }

    @Test func messageUnderTheSecretThatReplacesABrokenOneDoesNotOpen() throws {
        let key = try RSAPrivateKey(pem: FastChatVectors.current.privateKey)
        var random = CountingGenerator()
        let envelope = try HybridEnvelope(sealing: "known", for: key.publicKey, using: &random)
        // The same generator again makes the same secret take the place of the one that RSA does not open.
        let broken = HybridEnvelope(message: envelope.message, key: Base64.text(.init(repeating: 1, count: 256)))
        var again = CountingGenerator()

        #expect(broken.text(openedWith: key, using: &again) == nil)
    }

    @Test(arguments: FastChatVectors.all) func alteredEnvelopesNeverTrap(_ vectors: FastChatVectors) throws {
        let key = try RSAPrivateKey(pem: vectors.privateKey)
        let wrapped = try #require(Base64.bytes(vectors.key))
        let sealed = try #require(Base64.bytes(vectors.message))

        for index in stride(from: 0, to: wrapped.count, by: 8) {
            var altered = wrapped
            altered[index] ^= 0x10
            let envelope = HybridEnvelope(message: vectors.message, key: Base64.text(altered))
            #expect(text(envelope, openedWith: key) == nil)
        }
        for index in sealed.indices {
            var altered = sealed
            altered[index] ^= 0x80
            let envelope = HybridEnvelope(message: Base64.text(altered), key: vectors.key)
            #expect(text(envelope, openedWith: key) != FastChatVectors.text)
        }
    }
}
