// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSodium
import Crypto

/// SHA-256, the name of an attachment by its content.
///
/// Not for passwords or tokens.
package enum SHA256Digest {
    /// The 32 bytes of the digest.
    package static func digest(of bytes: [UInt8]) -> [UInt8] {
        _ = Sodium.ready
        var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
        _ = crypto_hash_sha256(&digest, bytes, UInt64(bytes.count))
        return digest
    }
}

/// SHA-256 of what comes in pieces.
package struct SHA256Stream {
    private var hash = SHA256()

    /// Nothing has come yet.
    package init() {}

    /// Adds a piece.
    package mutating func update(_ bytes: [UInt8]) {
        hash.update(data: bytes)
    }

    /// The 32 bytes of the digest of all pieces.
    package func digest() -> [UInt8] { Array(hash.finalize()) }
}
