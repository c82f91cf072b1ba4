// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Why an RSA key cannot be read or used.
package enum RSAKeyError: Error, Hashable, Sendable {
    /// The text is no PEM of an RSA key, or the key's numbers are none that can be used.
    case unreadable
    /// The modulus has too few or too many bits, or their number is no multiple of 8.
    case unsupportedSize
    /// More than `limit` bytes were to be encrypted.
    case secretTooLong(limit: Int)
    /// The library failed, for want of memory.
    case failed
}

extension RSAKeyError: CustomStringConvertible {
    /// One sentence without secrets, safe to show to a client.
    package var description: String {
        switch self {
        case .unreadable: "This is no RSA key in PEM form."
        case .unsupportedSize: "An RSA key needs 1024 to 8192 bits, a multiple of 8."
        case .secretTooLong(let limit): "The key encrypts at most \(limit) bytes."
        case .failed: "The operation with the RSA key failed."
        }
    }
}
