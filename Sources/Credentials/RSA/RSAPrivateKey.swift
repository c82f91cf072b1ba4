// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras

/// A private RSA key with its public one: 1024 to 8192 bits.
package struct RSAPrivateKey: Sendable {
    /// The size of a new key.
    package static let newBits = 2048
    /// Longer texts are refused before they are read.
    package static let maximumPEMBytes = 16384

    /// The public half.
    package let publicKey: RSAPublicKey

    private let signing: _RSA.Signing.PrivateKey
    // As in `RSAPublicKey`: an immutable object of the library, whose functions may be called on any thread.
    private nonisolated(unsafe) let encryption: _RSA.Encryption.PrivateKey

    /// Draws a new key from the library's own random source.
    ///
    /// That takes up to a second of one core, so never on an event loop.
    ///
    /// - Parameter bits: The size, a multiple of 8 from 1024 to 8192.
    /// - Throws: `RSAKeyError.unsupportedSize` or `RSAKeyError.failed`.
    package init(newBits bits: Int = newBits) throws(RSAKeyError) {
        guard RSAPublicKey.supportedBits.contains(bits), bits.isMultiple(of: 8) else { throw .unsupportedSize }
        do {
            try self.init(_RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: bits)))
        } catch {
            throw .failed
        }
    }

    /// Reads a key in PEM form, without a passphrase: PKCS#1 (`BEGIN RSA PRIVATE KEY`) or PKCS#8 (`BEGIN PRIVATE KEY`).
    ///
    /// - Parameter pem: The text, at most 16 KiB.
    /// - Throws: `RSAKeyError.unreadable` or `RSAKeyError.unsupportedSize`.
    package init(pem: String) throws(RSAKeyError) {
        guard pem.utf8.count <= Self.maximumPEMBytes, !pem.utf8.contains(0) else { throw .unreadable }
        do {
            try self.init(_RSA.Signing.PrivateKey(unsafePEMRepresentation: pem))
        } catch {
            throw RSAKeyError(reading: error)
        }
    }

    private init(_ key: _RSA.Signing.PrivateKey) throws {
        signing = key
        encryption = try _RSA.Encryption.PrivateKey(unsafeDERRepresentation: key.derRepresentation)
        publicKey = try RSAPublicKey(encryption.publicKey)
    }

    /// The key as `BEGIN RSA PRIVATE KEY` (PKCS#1), a secret.
    package var pem: String { signing.pemRepresentation }

    /// Signs a text's bytes of UTF-8: PKCS#1 v1.5 with SHA-256.
    ///
    /// - Returns: The signature in base64.
    /// - Throws: `RSAKeyError.failed`.
    package func signature(of text: String) throws(RSAKeyError) -> String {
        do {
            let signature = try signing.signature(
                for: SHA256.hash(data: Array(text.utf8)), padding: .insecurePKCS1v1_5)
            return Base64.text(Array(signature.rawRepresentation))
        } catch {
            throw .failed
        }
    }

    /// Decrypts a short secret, PKCS#1 v1.5.
    ///
    /// A failure must not show: an attacker who learns which ciphertexts are well formed can decrypt any.
    /// `HybridEnvelope` is made so.
    ///
    /// - Parameter ciphertext: As many bytes as the modulus has.
    /// - Returns: The secret, or `nil` if this key does not open it.
    package func decrypt(_ ciphertext: [UInt8]) -> [UInt8]? {
        guard ciphertext.count == publicKey.bits / 8 else { return nil }
        return (try? encryption.decrypt(ciphertext, padding: ._WEAK_AND_INSECURE_PKCS_V1_5)).map { Array($0) }
    }
}

extension RSAPrivateKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `[private key]`.
    package var description: String { "[private key]" }
    /// Always `[private key]`.
    package var debugDescription: String { "[private key]" }
    /// Shows no children, so that `dump` has nothing to print.
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
