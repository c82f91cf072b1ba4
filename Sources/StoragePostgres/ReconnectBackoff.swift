// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// When the next attempt to connect may be made: at once after the first loss, then after doubling, jittered pauses.
struct ReconnectBackoff {
    static let shortest: Duration = .milliseconds(100)
    static let longest: Duration = .seconds(10)

    private(set) var failures = 0
    private var notBefore: Duration = .zero

    /// Whether an attempt is allowed at `now`.
    func allowsAttempt(at now: Duration) -> Bool {
        failures == 0 || now >= notBefore
    }

    /// How long to wait for the next attempt.
    func pause(at now: Duration) -> Duration {
        failures == 0 ? .zero : max(.zero, notBefore - now)
    }

    /// Notes a failed attempt.
    ///
    /// Any 64 bits in `random` choose the pause between half and all of its nominal length.
    mutating func failed(at now: Duration, random: UInt64) {
        failures = min(failures + 1, 16)
        let nominal = min(Self.longest, Self.shortest * (1 << (failures - 1)))
        let fraction = 0.5 + Double(random >> 11) / Double(UInt64(1) << 54)
        notBefore = now + nominal * fraction
    }

    mutating func succeeded() {
        self = ReconnectBackoff()
    }
}
