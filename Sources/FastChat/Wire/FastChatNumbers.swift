// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The integer by which FastChat clients know a user; 0 or more.
package struct FastChatUserNumber: Hashable, Sendable, Comparable {
    package var rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The integer by which FastChat clients know a group, its row number; 1 or more.
package struct FastChatGroupNumber: Hashable, Sendable, Comparable {
    package var rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The time of a message as clients write it and the old client shows it.
package enum FastChatTime {
    /// `2026-11-21 06:36:40.123`, in UTC.
    ///
    /// - Parameter milliseconds: Since 1970.
    /// - Returns: Always the same length until the year 9999.
    package static func text(milliseconds: Int64) -> String {
        let day: Int64 = 86_400_000
        let time = (milliseconds % day + day) % day
        // Days are counted from a first of March, so that leap days are the last of their years.
        let days = floorDivision(milliseconds, day) + 719_468
        let era = floorDivision(days, 146_097)
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, 2))"
        let clock = "\(padded(time / 3_600_000, 2)):\(padded(time / 60_000 % 60, 2)):\(padded(time / 1000 % 60, 2))"
        return "\(date) \(clock).\(padded(time % 1000, 3))"
    }

    private static func floorDivision(_ number: Int64, _ divisor: Int64) -> Int64 {
        number >= 0 ? number / divisor : -1 - (-1 - number) / divisor
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
