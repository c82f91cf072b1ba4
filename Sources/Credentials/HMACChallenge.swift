// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSodium

/// What checks answers to a challenge that are keyed with a password, without being the password: HMAC-SHA512 after it
/// has absorbed the key.
///
/// Who has these bytes can answer challenges too, so the store keeps them only as `Sealer` seals them.
package struct HMACChallenge: Sendable {
    /// Length of the raw form: the chaining values of the inner and of the outer hash.
    package static let byteCount = 128

    private static let blockBits: UInt64 = 1024
    private let inner: [UInt64]
    private let outer: [UInt64]

    /// Absorbs a password; an empty one is for the caller to refuse.
    package init(_ password: Password) {
        self = password.withBytes { HMACChallenge(key: $0) }
    }

    /// Absorbs a key of any length; RFC 2104 hashes one above 128 bytes first.
    init(key: UnsafeBufferPointer<UInt8>) {
        _ = Sodium.ready
        var state = crypto_auth_hmacsha512_state()
        if let start = key.baseAddress {
            crypto_auth_hmacsha512_init(&state, start, key.count)
        } else {
            crypto_auth_hmacsha512_init(&state, [], 0)
        }
        inner = withUnsafeBytes(of: state.ictx.state) { Array($0.bindMemory(to: UInt64.self)) }
        outer = withUnsafeBytes(of: state.octx.state) { Array($0.bindMemory(to: UInt64.self)) }
        sodium_memzero(&state, MemoryLayout.size(ofValue: state))
    }

    /// A challenge read from the store; `nil` unless it has exactly 128 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var words = [UInt64](repeating: 0, count: Self.byteCount / 8)
        for (index, byte) in bytes.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
        inner = Array(words[..<8])
        outer = Array(words[8...])
    }

    /// The 128 bytes for the store: eight words of the inner and eight of the outer hash, big-endian as in FIPS 180-4.
    package var bytes: [UInt8] {
        (inner + outer).flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
        }
    }

    /// The answer to a challenge: HMAC-SHA512 of its bytes of UTF-8 as 128 lowercase hexadecimal digits.
    package func answer(to token: String) -> String {
        Hexadecimal.text(code(of: Array(token.utf8)))
    }

    /// Whether an answer is the right one for a challenge, in constant time; upper and lower case digits are the same.
    package func accepts(_ answer: String, to token: String) -> Bool {
        guard answer.utf8.count == 128, let given = Hexadecimal.bytes(answer[...]) else { return false }
        return ConstantTime.isEqual(given, code(of: Array(token.utf8)))
    }

    func code(of message: [UInt8]) -> [UInt8] {
        _ = Sodium.ready
        var state = crypto_auth_hmacsha512_state()
        Self.restore(&state.ictx, inner)
        Self.restore(&state.octx, outer)
        var code = [UInt8](repeating: 0, count: Int(crypto_auth_hmacsha512_BYTES))
        crypto_auth_hmacsha512_update(&state, message, UInt64(message.count))
        crypto_auth_hmacsha512_final(&state, &code)
        sodium_memzero(&state, MemoryLayout.size(ofValue: state))
        return code
    }

    /// Puts a hash where it stood after one whole block, which the padded key is.
    private static func restore(_ state: inout crypto_hash_sha512_state, _ words: [UInt64]) {
        withUnsafeMutableBytes(of: &state.state) { target in words.withUnsafeBytes { target.copyMemory(from: $0) } }
        state.count = (0, blockBits)
    }
}

extension HMACChallenge: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `[challenge]`.
    package var description: String { "[challenge]" }
    /// Always `[challenge]`.
    package var debugDescription: String { "[challenge]" }
    /// Shows no children, so that `dump` has nothing to print.
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
