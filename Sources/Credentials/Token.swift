// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSodium

/// A random secret that stands for a login: lowercase hexadecimal, two characters for each byte.
///
/// The store keeps only its `TokenHash`; the text leaves the server once, in the answer to the login.
package struct Token: Sendable {
    /// Fewer random bytes could be guessed.
    package static let minimumBytes = 16
    /// More would add nothing but length.
    package static let maximumBytes = 64

    /// What the client gets and sends back.
    package let text: String

    /// Draws a new token.
    ///
    /// `byteCount` is the number of random bytes, 16 to 64; values outside are moved to the nearer end.
    package init(byteCount: Int = minimumBytes, using random: inout some RandomNumberGenerator) {
        text = Hexadecimal.text(random.nextBytes(min(max(byteCount, Self.minimumBytes), Self.maximumBytes)))
    }

    /// What the store keeps of this token.
    package var hash: TokenHash { TokenHash(of: text) }
}

extension Token: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `[token]`.
    package var description: String { "[token]" }
    /// Always `[token]`.
    package var debugDescription: String { "[token]" }
    /// Shows no children, so that `dump` has nothing to print.
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}

/// The BLAKE2b hash of a token's text, 32 bytes: what the store keeps and looks up.
///
/// Tokens are random, so a fast hash without salt is enough: there is nothing to guess. Equality takes constant time.
package struct TokenHash: Sendable {
    /// Length of the raw form.
    package static let byteCount = 32

    private typealias Words = (UInt64, UInt64, UInt64, UInt64)
    private let words: Words

    /// Hashes the token's bytes of UTF-8 where they lie.
    package init(ofBytes token: UnsafeRawBufferPointer) {
        _ = Sodium.ready
        var words: Words = (0, 0, 0, 0)
        let bytes = token.assumingMemoryBound(to: UInt8.self)
        withUnsafeMutablePointer(to: &words) { pointer in
            pointer.withMemoryRebound(to: UInt8.self, capacity: Self.byteCount) { digest in
                _ = crypto_generichash_blake2b(
                    digest, Self.byteCount, bytes.baseAddress, UInt64(bytes.count), nil, 0)
            }
        }
        self.words = words
    }

    /// Hashes a token as a client sent it, whatever it contains.
    package init(of token: String) {
        var token = token
        self = token.withUTF8 { TokenHash(ofBytes: UnsafeRawBufferPointer($0)) }
    }

    /// A hash read from the store; `nil` unless it has exactly 32 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var words: Words = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
        self.words = words
    }

    /// The 32 bytes for the store.
    package var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// Calls `body` with the 32 bytes where they lie.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: words, body)
    }
}

extension TokenHash: Hashable {
    /// Whether both are the hash of the same token, in constant time.
    package static func == (left: TokenHash, right: TokenHash) -> Bool {
        let difference =
            (left.words.0 ^ right.words.0) | (left.words.1 ^ right.words.1)
            | (left.words.2 ^ right.words.2) | (left.words.3 ^ right.words.3)
        return difference == 0
    }

    /// Feeds the first word; the bytes are uniform already.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
    }
}

extension TokenHash: CustomStringConvertible, CustomDebugStringConvertible {
    /// Always `[token hash]`.
    package var description: String { "[token hash]" }
    /// Always `[token hash]`.
    package var debugDescription: String { "[token hash]" }
}
