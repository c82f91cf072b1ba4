// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The number that stands for a signed-in user in later requests.
///
/// No byte of it is `0x0D`, which separates fields.
package struct MessengerKey: Hashable, Sendable {
    /// Big-endian on the wire.
    package let rawValue: UInt32

    /// A key with this number; `nil` if one of its bytes is `0x0D`.
    package init?(_ rawValue: UInt32) {
        for shift in [UInt32(0), 8, 16, 24]
        where UInt8(truncatingIfNeeded: rawValue >> shift) == MessengerByte.separator {
            return nil
        }
        self.rawValue = rawValue
    }

    /// Each of the 4,228,250,625 keys is as likely as the others.
    package static func random(using generator: inout some RandomNumberGenerator) -> MessengerKey {
        var digits = UInt32.random(in: 0..<255 * 255 * 255 * 255, using: &generator)
        var rawValue: UInt32 = 0
        for _ in 0..<4 {
            // The digits to base 255 are the bytes, those from the separator on moved up by one.
            let digit = digits % 255
            rawValue = rawValue << 8 | (digit < UInt32(MessengerByte.separator) ? digit : digit + 1)
            digits /= 255
        }
        return MessengerKey(unchecked: rawValue)
    }

    private init(unchecked rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The first four of `bytes`; `nil` if there are fewer, or one is the separator.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count >= 4 else { return nil }
        self.init(bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) })
    }

    /// Four bytes, as on the wire.
    package var bytes: [UInt8] {
        withUnsafeBytes(of: rawValue.bigEndian) { Array($0) }
    }
}

/// The bytes with a meaning of their own.
enum MessengerByte {
    /// Between two fields.
    static let separator: UInt8 = 0x0D
    /// The second byte of the answer to what was not understood.
    static let refused: UInt8 = 0xFF
}

/// The first byte of a request.
enum MessengerCode: UInt8 {
    case signUp = 0x00
    case logIn = 0x01
    case logOut = 0x02
    case contacts = 0x03
    case addContact = 0x04
    case send = 0x06

    /// The size of a request that ends by itself.
    var fixedSize: Int? {
        switch self {
        case .logOut, .contacts: MessengerRequest.keyedBytes
        case .signUp, .logIn, .addContact, .send: nil
        }
    }

    /// Whether a key and a separator come before the fields.
    var isKeyed: Bool {
        switch self {
        case .addContact, .send: true
        case .signUp, .logIn, .logOut, .contacts: false
        }
    }
}
