// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An IP address of either version, in two words.
///
/// An address of version 4 is kept in its form for version 6, so that both forms of it are equal.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// The first eight bytes; of version 6 these name a network.
    package let high: UInt64
    /// The last eight bytes.
    package let low: UInt64

    /// `::`, which no peer has.
    package static let unspecified = IPAddress(high: 0, low: 0)

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads 4 or 16 bytes, the most significant first; `nil` for any other count.
    package init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self.init(high: 0, low: Self.mapped | Self.word(bytes))
        case 16: self.init(high: Self.word(bytes.prefix(8)), low: Self.word(bytes.dropFirst(8)))
        default: return nil
        }
    }

    /// Reads an address such as `192.0.2.1` or `2001:db8::1`, without brackets, port or zone.
    package init?(_ text: some StringProtocol) {
        // The longest form of an address has 45 characters.
        guard (2...45).contains(text.utf8.count), !text.utf8.contains(0) else { return nil }
        let isVersion6 = text.utf8.contains(UInt8(ascii: ":"))
        var bytes = [UInt8](repeating: 0, count: isVersion6 ? 16 : 4)
        guard inet_pton(isVersion6 ? AF_INET6 : AF_INET, String(text), &bytes) == 1 else { return nil }
        self.init(bytes: bytes)
    }

    private static let mapped: UInt64 = 0xffff_0000_0000

    private static func word(_ bytes: some Collection<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Whether it is an address of version 4, in either form.
    package var isVersion4: Bool { high == 0 && low >> 32 == Self.mapped >> 32 }

    /// Whether only this machine has it.
    package var isLoopback: Bool { isVersion4 ? low >> 24 & 0xff == 127 : high == 0 && low == 1 }

    /// What one subscriber has: the address itself, or the /64 network of one of version 6.
    package var network: IPAddress { isVersion4 ? self : IPAddress(high: high, low: 0) }

    /// The bytes, the most significant first: 4 or 16.
    package var bytes: [UInt8] {
        func bytes(_ word: UInt64, _ count: Int) -> [UInt8] {
            (0..<count).reversed().map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
        }
        return isVersion4 ? bytes(low, 4) : bytes(high, 8) + bytes(low, 8)
    }

    /// The usual text of it.
    package var description: String {
        let bytes = bytes
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            buffer.initialize(repeating: 0)
            let family = bytes.count == 4 ? AF_INET : AF_INET6
            guard let base = buffer.baseAddress,
                inet_ntop(family, bytes, base, socklen_t(INET6_ADDRSTRLEN)) != nil
            else { return "" }
            return String(cString: base)
        }
    }
}

/// The addresses that share their first bits, written as one address or as `10.0.0.0/8`.
package struct IPRange: Hashable, Sendable, CustomStringConvertible {
    private let first: IPAddress
    /// Leading bits that count, of 128.
    private let prefixLength: Int

    /// Reads an address, or one with a slash and the number of leading bits that count.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first.flatMap({ IPAddress($0) }) else { return nil }
        let bits = address.isVersion4 ? 32 : 128
        var length = bits
        if parts.count == 2 {
            guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let given = Int(parts[1]), given <= bits
            else { return nil }
            length = given
        }
        prefixLength = 128 - bits + length
        first = Self.masked(address, to: prefixLength)
    }

    /// Whether an address is among them.
    package func contains(_ address: IPAddress) -> Bool {
        Self.masked(address, to: prefixLength) == first
    }

    private static func masked(_ address: IPAddress, to length: Int) -> IPAddress {
        // A shift by 64 gives 0.
        let high = ~UInt64(0) << UInt64(max(0, 64 - length))
        let low = length <= 64 ? 0 : ~UInt64(0) << UInt64(128 - length)
        return IPAddress(high: address.high & high, low: address.low & low)
    }

    /// Address and number of bits: `10.0.0.0/8`.
    package var description: String { "\(first)/\(first.isVersion4 ? prefixLength - 96 : prefixLength)" }
}
