// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A date and time of day in UTC.
package struct UTCDate: Sendable {
    /// Such as `2026-01-31`.
    package let day: String
    /// Such as `23:59:59`.
    package let time: String
    /// Three digits, such as `250`.
    package let milliseconds: String

    /// The moment so many milliseconds after 1970-01-01 00:00 UTC, or before it.
    package init(milliseconds: Int64) {
        func quotient(_ number: Int64, _ divisor: Int64) -> Int64 {
            number / divisor - (number % divisor < 0 ? 1 : 0)
        }
        func digits(_ number: Int64, _ count: Int = 2) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
        }
        let seconds = quotient(milliseconds, 1000)
        let days = quotient(seconds, 86_400)
        let second = seconds - days * 86_400
        // Howard Hinnant's civil_from_days: years begin in March, so that the leap day is the last one.
        let shifted = days + 719_468
        let era = quotient(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        day = "\(digits(year, 4))-\(digits(month))-\(digits(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1))"
        time = "\(digits(second / 3600)):\(digits(second / 60 % 60)):\(digits(second % 60))"
        self.milliseconds = digits(milliseconds &- seconds &* 1000, 3)
    }
}

extension Timestamp {
    /// The time in UTC as RFC 3339 writes it, such as `2026-01-31T23:59:59.250Z`.
    package var text: String {
        let date = UTCDate(milliseconds: milliseconds)
        return "\(date.day)T\(date.time).\(date.milliseconds)Z"
    }
}
