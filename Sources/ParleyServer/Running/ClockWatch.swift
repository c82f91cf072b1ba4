// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// Notices that the machine's clock was set ahead while the server runs: what seems old by such a clock is not erased.
struct ClockWatch: Sendable {
    /// A lead up to this much is a correction, and erases nothing that an hour later would not go as well.
    private static let maximumLeadMilliseconds: Int64 = 3_600_000

    private let startedAt: ContinuousClock.Instant
    private let time: Timestamp

    /// Takes `time` for right at `now`.
    init(time: Timestamp, at now: ContinuousClock.Instant = .now) {
        self.time = time
        startedAt = now
    }

    /// By how many whole hours the clock has gained on the time that has passed; `nil` if by no more than one.
    func hoursAhead(time: Timestamp, at now: ContinuousClock.Instant = .now) -> Int64? {
        let passed = (now - startedAt).components.seconds * 1000
        let (shown, isOverflow) = time.milliseconds.subtractingReportingOverflow(self.time.milliseconds)
        let lead = (isOverflow ? Int64.max : shown).subtractingReportingOverflow(passed)
        guard !lead.overflow, lead.partialValue > Self.maximumLeadMilliseconds else { return nil }
        return lead.partialValue / Self.maximumLeadMilliseconds
    }
}
