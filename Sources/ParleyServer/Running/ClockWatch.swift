// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// Notices that the machine's clock was set ahead while the server runs, or is ahead of the database's: what seems old
/// by such a clock is not erased.
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

    /// By how many whole hours the clock is ahead of what it was at the start or of the database's clock; `nil` if by
    /// no more than one.
    func hoursAhead(in chat: Chat) async throws(StorageError) -> Int64? {
        let time = chat.storage.currentTime()
        if let hours = hoursAhead(time: time) { return hours }
        // A database that is a file has no clock of its own.
        guard chat.policy.sharesStore else { return nil }
        return Self.hours(from: try await chat.storage.databaseTime(), to: time)
    }

    /// By how many whole hours the clock has gained on the time that has passed; `nil` if by no more than one.
    func hoursAhead(time: Timestamp, at now: ContinuousClock.Instant = .now) -> Int64? {
        Self.hours(from: self.time, to: time, passed: (now - startedAt).components.seconds * 1000)
    }

    /// The whole hours between two times, without so many milliseconds; `nil` if there is no more than one.
    static func hours(from start: Timestamp, to end: Timestamp, passed: Int64 = 0) -> Int64? {
        let (shown, isOverflow) = end.milliseconds.subtractingReportingOverflow(start.milliseconds)
        let lead = (isOverflow ? Int64.max : shown).subtractingReportingOverflow(passed)
        guard !lead.overflow, lead.partialValue > maximumLeadMilliseconds else { return nil }
        return lead.partialValue / maximumLeadMilliseconds
    }
}
