// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras

/// A public RSA key, as FastChat clients have them: 1024 to 8192 bits.
///
/// Old clients have 1024 bits, which is too few against a strong attacker; the keys that this program makes have 2048.
package struct RSAPublicKey: Sendable {
    /// The sizes that are read.
    ///
    /// The library bounds the exponent to 33 bits, so an operation costs milliseconds at most.
    package static let supportedBits = 1024...8192
    /// Longer texts are refused before they are read.
    package static let maximumPEMBytes = 16384

    /// The key in PEM form, PKCS#1: `BEGIN RSA PUBLIC KEY`, lines of 64 characters.
    package let pem: String
    /// Of the modulus, such as 2048.
    package let bits: Int

    private let signing: _RSA.Signing.PublicKey
    // The library declares only its signing keys Sendable. Both kinds hold the same immutable object, whose functions
    // may be called on any thread.
    private nonisolated(unsafe) let encryption: _RSA.Encryption.PublicKey

    /// Reads a key in PEM form: PKCS#1, or `BEGIN PUBLIC KEY`.
    ///
    /// - Parameter pem: The text, at most 16 KiB.
    /// - Throws: `RSAKeyError.unreadable` or `RSAKeyError.unsupportedSize`.
    package init(pem: String) throws(RSAKeyError) {
        guard pem.utf8.count <= Self.maximumPEMBytes, !pem.utf8.contains(0) else { throw .unreadable }
        do {
            try self.init(_RSA.Encryption.PublicKey(unsafePEMRepresentation: pem))
        } catch {
            throw RSAKeyError(reading: error)
        }
    }

    init(_ key: _RSA.Encryption.PublicKey) throws {
        guard Self.supportedBits.contains(key.keySizeInBits) else { throw RSAKeyError.unsupportedSize }
        encryption = key
        signing = try _RSA.Signing.PublicKey(unsafeDERRepresentation: key.derRepresentation)
        bits = key.keySizeInBits
        pem = key.pkcs1PEMRepresentation
    }

    /// Whether a signature is by this key's owner: PKCS#1 v1.5 with SHA-256 over the text's bytes of UTF-8.
    ///
    /// `signature` is base64; anything that is none is not valid.
    package func isValid(signature: String, of text: String) -> Bool {
        // Room for line ends between the characters.
        guard signature.utf8.count <= bits / 4, let bytes = Base64.bytes(signature), bytes.count == bits / 8 else {
            return false
        }
        return signing.isValidSignature(
            _RSA.Signing.RSASignature(rawRepresentation: bytes), for: SHA256.hash(data: Array(text.utf8)),
            padding: .insecurePKCS1v1_5)
    }

    /// Encrypts a short secret, PKCS#1 v1.5; only for clients that know nothing better.
    ///
    /// - Parameter secret: At most 11 bytes fewer than the modulus has.
    /// - Returns: As many bytes as the modulus has.
    /// - Throws: `RSAKeyError.secretTooLong`, or `RSAKeyError.failed`.
    package func encrypt(_ secret: [UInt8]) throws(RSAKeyError) -> [UInt8] {
        let limit = encryption.maximumEncryptSize(with: ._WEAK_AND_INSECURE_PKCS_V1_5)
        guard secret.count <= limit else { throw .secretTooLong(limit: limit) }
        do {
            return Array(try encryption.encrypt(secret, padding: ._WEAK_AND_INSECURE_PKCS_V1_5))
        } catch {
            throw .failed
        }
    }
}

extension RSAPublicKey: Hashable {
    /// Whether the two have the same numbers.
    package static func == (left: RSAPublicKey, right: RSAPublicKey) -> Bool { left.pem == right.pem }

    /// Hashes the PEM form, which is the same for the same numbers.
    package func hash(into hasher: inout Hasher) { hasher.combine(pem) }
}

extension RSAKeyError {
    /// What the library's error on reading a key means.
    init(reading error: any Error) {
        switch error {
        case let known as RSAKeyError: self = known
        case CryptoKitError.incorrectParameterSize: self = .unsupportedSize
        default: self = .unreadable
        }
    }
}
