// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSodium

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
