// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras

/// A text that FastChat clients encrypt for one recipient: AES-256-CBC under a fresh secret, which RSA encrypts.
///
/// The form is that of the old clients, which cannot be told that a ciphertext was altered.
package struct HybridEnvelope: Hashable, Sendable {
    /// Length of the secret; SHA-256 of it is the AES key.
    package static let secretBytes = 30
    /// A longer `message` is not opened: what an object of the protocol can carry at most.
    package static let maximumMessageBytes = 1 << 20

    private static let vectorBytes = 16

    /// Base64 of 16 bytes of initialization vector and the ciphertext, padded as in PKCS#7.
    package var message: String
    /// Base64 of the secret, encrypted with the recipient's key.
    package var key: String

    /// Takes the two fields as a client sent them.
    package init(message: String, key: String) {
        self.message = message
        self.key = key
    }

    /// Encrypts a text.
    ///
    /// - Parameters:
    ///   - text: Any text; that it fits the protocol is for the caller to see to.
    ///   - recipient: Who can read it.
    ///   - random: Source of the secret and the initialization vector. The RSA padding comes from the library's own.
    /// - Throws: `RSAKeyError.failed` when memory is wanting.
    package init(
        sealing text: String, for recipient: RSAPublicKey, using random: inout some RandomNumberGenerator
    ) throws(RSAKeyError) {
        let secret = random.nextBytes(Self.secretBytes)
        let vector = random.nextBytes(Self.vectorBytes)
        do {
            let ciphertext = try AES._CBC.encrypt(
                Array(text.utf8), using: Self.cipherKey(secret), iv: AES._CBC.IV(ivBytes: vector))
            message = Base64.text(vector + ciphertext)
        } catch {
            throw .failed
        }
        key = Base64.text(try recipient.encrypt(secret))
    }

    /// The text, or `nil`.
    ///
    /// There is one `nil` for every failure, and a secret that RSA does not open is replaced by a random one and the
    /// rest done all the same, so that a sender cannot learn by answers or by time which of its ciphertexts are well
    /// formed.
    package func text(
        openedWith recipient: RSAPrivateKey, using random: inout some RandomNumberGenerator
    ) -> String? {
        let substitute = random.nextBytes(Self.secretBytes)
        guard message.utf8.count <= Self.maximumMessageBytes, key.utf8.count <= RSAPublicKey.maximumPEMBytes,
            let wrapped = Base64.bytes(key), wrapped.count == recipient.publicKey.bits / 8,
            let sealed = Base64.bytes(message), sealed.count > Self.vectorBytes,
            let vector = try? AES._CBC.IV(ivBytes: sealed.prefix(Self.vectorBytes))
        else { return nil }
        let opened = recipient.decrypt(wrapped) ?? []
        let isOpened = opened.count == Self.secretBytes
        let plain = try? AES._CBC.decrypt(
            sealed.dropFirst(Self.vectorBytes), using: Self.cipherKey(isOpened ? opened : substitute), iv: vector)
        // The padding of a text under a random key is right once in 256 times.
        guard isOpened, let plain else { return nil }
        return String(validating: plain, as: UTF8.self)
    }

    private static func cipherKey(_ secret: [UInt8]) -> SymmetricKey {
        SymmetricKey(data: SHA256Digest.digest(of: secret))
    }
}
