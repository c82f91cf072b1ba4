// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Clock where Duration == Swift.Duration {
    /// What tells the time since this call, for code that does not know its clock.
    package func elapsedTime() -> @Sendable () -> Duration {
        let start = now
        return { start.duration(to: now) }
    }
}

extension Duration {
    /// Milliseconds, with a fraction down to microseconds.
    package var milliseconds: Double {
        Double(components.seconds) * 1000 + Double(components.attoseconds / 1_000_000_000_000) / 1000
    }

    /// Whole milliseconds, rounded towards zero.
    package var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }

    /// Milliseconds with one digit after the point, for people: `3.2`.
    package var inMilliseconds: String {
        let tenths = components.seconds * 10_000 + components.attoseconds / 100_000_000_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
