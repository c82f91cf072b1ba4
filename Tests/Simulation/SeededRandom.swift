// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// SplitMix64: all of a run follows from its seed.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Yes in so many of a hundred cases.
    mutating func chance(_ percent: Double) -> Bool {
        Double(next() >> 11) * 0x1p-53 * 100 < percent
    }

    /// One of them; `nil` if there is none.
    mutating func pick<Elements: Collection>(_ elements: Elements) -> Elements.Element? {
        elements.randomElement(using: &self)
    }

    /// A time between the two, short ones more often than long ones.
    mutating func time(_ shortest: Duration, _ longest: Duration) -> Duration {
        let share = Double(next() >> 11) * 0x1p-53
        return shortest + (longest - shortest) * (share * share * share)
    }
}
