// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Crypto

/// Why sealed bytes cannot be opened, or bytes not be sealed.
package enum SealError: Error, Hashable, Sendable {
    /// More than `limit` bytes were to be sealed.
    case tooLong(limit: Int)
    /// The bytes are not of a form that this program seals.
    case unknownForm
    /// No key opens the bytes with this associated data: another key sealed them, or they were altered or moved.
    case notAuthentic
}

extension SealError: CustomStringConvertible {
    /// One sentence without secrets.
    package var description: String {
        switch self {
        case .tooLong(let limit): "More than \(limit) bytes cannot be sealed."
        case .unknownForm: "The sealed secret is in a form that this version cannot read."
        case .notAuthentic: "The sealed secret does not open with the keys of [SECRETS] KEY_FILE."
        }
    }
}

/// Encrypts secrets for the store under keys that lie outside of it: AES-256-GCM.
///
/// Sealed bytes are a version byte, 12 random bytes, the ciphertext and 16 bytes of tag. Keys are drawn and kept by
/// `SecretKeyFile`.
package struct Sealer: Sendable {
    /// Length of a key.
    package static let keyBytes = 32
    /// The most keys that are tried, which bounds the cost of opening.
    package static let maximumKeys = 16
    /// The most bytes that are sealed at once.
    package static let maximumBytes = 1 << 20
    /// How many bytes longer the sealed form is.
    package static let overheadBytes = 29

    private static let version: UInt8 = 1
    private static let nonceBytes = 12
    private let first: SymmetricKey
    private let older: [SymmetricKey]

    /// Takes the keys: the first seals, all open.
    ///
    /// The result is `nil` unless there are 1 to 16 keys of 32 bytes.
    package init?(keys: [[UInt8]]) {
        guard (1...Self.maximumKeys).contains(keys.count), keys.allSatisfy({ $0.count == Self.keyBytes }) else {
            return nil
        }
        first = SymmetricKey(data: keys[0])
        older = keys.dropFirst().map { SymmetricKey(data: $0) }
    }

    /// Seals bytes.
    ///
    /// - Parameters:
    ///   - bytes: The secret, at most 1 MiB.
    ///   - associatedData: What the secret belongs to, such as the user's identifier; opening needs the same.
    ///   - random: Source of the nonce. Two secrets under one key must never get the same.
    /// - Returns: 29 bytes more than were given.
    /// - Throws: `SealError.tooLong`.
    package func seal(
        _ bytes: [UInt8], associatedData: [UInt8], using random: inout some RandomNumberGenerator
    ) throws(SealError) -> [UInt8] {
        guard bytes.count <= Self.maximumBytes else { throw .tooLong(limit: Self.maximumBytes) }
        let nonce = random.nextBytes(Self.nonceBytes)
        do {
            let box = try AES.GCM.seal(
                bytes, using: first, nonce: AES.GCM.Nonce(data: nonce),
                authenticating: [Self.version] + associatedData)
            return [Self.version] + nonce + box.ciphertext + box.tag
        } catch {
            // Sizes are the only thing that the library refuses, and they have been checked.
            throw .tooLong(limit: Self.maximumBytes)
        }
    }

    /// Opens sealed bytes.
    ///
    /// - Throws: `SealError.unknownForm` or `SealError.notAuthentic`.
    package func open(_ sealed: [UInt8], associatedData: [UInt8]) throws(SealError) -> [UInt8] {
        guard sealed.first == Self.version, sealed.count >= Self.overheadBytes,
            let box = try? AES.GCM.SealedBox(combined: sealed.dropFirst())
        else { throw .unknownForm }
        let authenticated = [Self.version] + associatedData
        for key in [first] + older {
            if let bytes = try? AES.GCM.open(box, using: key, authenticating: authenticated) { return Array(bytes) }
        }
        throw .notAuthentic
    }
}

extension Sealer: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `[sealer]`.
    package var description: String { "[sealer]" }
    /// Always `[sealer]`.
    package var debugDescription: String { "[sealer]" }
    /// Shows no children, so that `dump` has nothing to print.
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
