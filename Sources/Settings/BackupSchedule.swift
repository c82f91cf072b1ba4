// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// When backups are made: `daily 03:30`, `weekly sunday 03:30` or `every 6h`; times of day are UTC.
package enum BackupSchedule: Sendable, Equatable {
    /// So many milliseconds after the last one.
    case every(milliseconds: Int64)
    /// At moments this many milliseconds apart, `offset` milliseconds after 1970-01-01 00:00 UTC.
    case periodic(milliseconds: Int64, offset: Int64)

    private static let weekdays = [
        "thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday",
    ]
    private static let day: Int64 = 86_400_000
    /// The shortest `every`, in milliseconds.
    private static let shortest = 60_000
    /// How late a backup may be, in milliseconds.
    private static let grace: Int64 = 3_600_000

    /// Reads a schedule; `nil` for anything else.
    package init?(_ text: String) {
        let words = text.utf8.split(separator: UInt8(ascii: " ")).map { String(Substring($0)).lowercased() }
        switch (words.first, words.count) {
        case ("every", 2):
            guard let span = SettingKind.milliseconds(words[1], plainUnit: .hours), span >= Self.shortest,
                span <= 366 * Self.day
            else { return nil }
            self = .every(milliseconds: Int64(span))
        case ("daily", 2):
            guard let time = Self.time(words[1]) else { return nil }
            self = .periodic(milliseconds: Self.day, offset: time)
        case ("weekly", 3):
            guard let weekday = Self.weekdays.firstIndex(of: words[1]), let time = Self.time(words[2]) else {
                return nil
            }
            self = .periodic(milliseconds: 7 * Self.day, offset: Int64(weekday) * Self.day + time)
        default: return nil
        }
    }

    /// Whether a backup is due.
    ///
    /// - Parameters:
    ///   - now: Milliseconds since 1970.
    ///   - last: When the newest backup was begun; `nil` when there is none.
    /// - Returns: Whether one is to be begun now.
    package func isDue(at now: Int64, last: Int64?) -> Bool {
        guard let last else { return true }
        switch self {
        case .every(let milliseconds): return now - last >= milliseconds
        case .periodic(let milliseconds, let offset):
            let sinceSlot = (now - offset) % milliseconds
            return last < now - (sinceSlot < 0 ? sinceSlot + milliseconds : sinceSlot)
        }
    }

    /// Whether a backup should have been made a while ago: the server tries again every ten minutes.
    package func isOverdue(at now: Int64, last: Int64?) -> Bool { isDue(at: now - Self.grace, last: last) }

    /// `03:30` in milliseconds.
    private static func time(_ text: String) -> Int64? {
        let digits = Array(text.utf8)
        guard digits.count == 5, digits[2] == UInt8(ascii: ":"), let hour = Int64(text.prefix(2)),
            let minute = Int64(text.suffix(2)), (0..<24).contains(hour), (0..<60).contains(minute)
        else { return nil }
        return (hour * 60 + minute) * 60_000
    }
}
