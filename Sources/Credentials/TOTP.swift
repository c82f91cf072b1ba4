// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Crypto

/// The secret of a second factor: six digits that change every half a minute (RFC 6238 with HMAC-SHA-1, which every
/// authenticator knows).
package struct TOTP: Sendable {
    /// Length of a secret; RFC 4226 recommends that of the hash.
    package static let byteCount = 20
    /// How long a code is shown.
    package static let stepSeconds: Int64 = 30
    /// How many steps the clocks may be apart, to either side.
    private static let window: Int64 = 1

    /// The secret for the store, which keeps it only as `Sealer` seals it.
    package let bytes: [UInt8]

    /// Draws a new secret.
    package init(using random: inout some RandomNumberGenerator) {
        bytes = random.nextBytes(Self.byteCount)
    }

    /// A secret read from the store; `nil` unless it has exactly 20 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// What an authenticator is given, as a text or a picture of it.
    package func uri(issuer: String, account: String) -> String {
        let issuer = Self.escaped(issuer)
        return "otpauth://totp/\(issuer):\(Self.escaped(account))?secret=\(base32)&issuer=\(issuer)"
            + "&algorithm=SHA1&digits=6&period=\(Self.stepSeconds)"
    }

    /// The time step whose code this is; `nil` for a wrong one.
    ///
    /// The step now, the one before and the one after are tried, all of them in any case. A caller that takes a step
    /// once only refuses a code that was overheard.
    package func step(of code: String, at seconds: Int64) -> Int64? {
        let given = Array(code.utf8.prefix(7))
        let now = seconds / Self.stepSeconds
        var found: Int64?
        for step in now - Self.window...now + Self.window
        where ConstantTime.isEqual(given, Array(self.code(atStep: step).utf8)) {
            found = step
        }
        return found
    }

    /// RFC 4226, section 5.3.
    func code(atStep step: Int64, digits: Int = 6) -> String {
        let counter = withUnsafeBytes(of: step.bigEndian) { Array($0) }
        let code = HMAC<Insecure.SHA1>.authenticationCode(for: counter, using: SymmetricKey(data: bytes))
        let hash = Array(code)
        let offset = Int(hash[hash.count - 1] & 0xF)
        let number = hash[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
        let text = String(number)
        return (String(repeating: "0", count: max(0, digits - text.utf8.count)) + text).suffix(digits).description
    }

    /// RFC 4648, section 6; twenty bytes need no padding.
    var base32: String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
        var text: [UInt8] = []
        var bits = 0
        var count = 0
        for byte in bytes {
            bits = (bits << 8 | Int(byte)) & 0xFFF
            count += 8
            while count >= 5 {
                count -= 5
                text.append(letters[bits >> count & 0x1F])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// RFC 3986: all but unreserved characters as their bytes.
    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + Hexadecimal.text([byte]).uppercased()
        }.joined()
    }
}

extension TOTP: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `[second factor]`.
    package var description: String { "[second factor]" }
    /// Always `[second factor]`.
    package var debugDescription: String { "[second factor]" }
    /// Shows no children, so that `dump` has nothing to print.
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
