// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Messenger
import TestSupport
import Testing

@Suite struct MessengerKeyTests {
    /// Answers with the same number for ever.
    private struct ConstantGenerator: RandomNumberGenerator {
        let number: UInt64
        mutating func next() -> UInt64 { number }
    }

    @Test func noKeyContainsTheSeparator() {
        var generator = SeededGenerator(seed: 1)
        var seen: [Set<UInt8>] = Array(repeating: [], count: 4)

        for _ in 0..<20_000 {
            let bytes = MessengerKey.random(using: &generator).bytes
            #expect(bytes.count == 4 && !bytes.contains(0x0D))
            for (place, byte) in bytes.enumerated() { seen[place].insert(byte) }
        }

        // Every other byte is possible in every place.
        #expect(seen.allSatisfy { $0.count == 255 })
    }

    @Test(arguments: [UInt32.max, 0xFFFF_FFFE, 0x8000_0000, 0x0101_0101])
    func evenABadGeneratorGivesAKey(number: UInt32) {
        // The upper half of the word decides, the lower half only which numbers are thrown away.
        var generator = ConstantGenerator(number: UInt64(number) << 32 | 0xFFFF_FFFF)

        let key = MessengerKey.random(using: &generator)

        #expect(!key.bytes.contains(0x0D))
        #expect(MessengerKey(key.rawValue) == key)
    }

    @Test(arguments: [0x0D00_0000, 0x000D_0000, 0x0000_0D00, 0x0000_000D, 0x0D0D_0D0D] as [UInt32])
    func aNumberWithTheSeparatorIsNoKey(number: UInt32) {
        #expect(MessengerKey(number) == nil)
    }

    @Test func keysAreBigEndian() throws {
        let key = try #require(MessengerKey(0x0102_03FF))

        #expect(key.bytes == [0x01, 0x02, 0x03, 0xFF])
        #expect(MessengerKey(0xD00D_D00E) == nil)
        #expect(MessengerKey(0xD0D0_D0D0)?.bytes == [0xD0, 0xD0, 0xD0, 0xD0])
    }
}
