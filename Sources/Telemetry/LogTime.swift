// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A moment of the wall clock, with nanoseconds.
package struct LogTime: Hashable, Sendable {
    /// Seconds since 1970-01-01 00:00 UTC.
    package var seconds: Int
    /// Nanoseconds within the second, 0 to 999,999,999.
    package var nanoseconds: Int

    /// A moment given by its parts.
    package init(seconds: Int, nanoseconds: Int = 0) {
        self.seconds = seconds
        self.nanoseconds = min(max(0, nanoseconds), 999_999_999)
    }

    /// The wall clock's present time.
    package static func now() -> LogTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return LogTime(seconds: time.tv_sec, nanoseconds: time.tv_nsec)
    }
}

/// A moment as a calendar shows it.
struct CalendarTime: Sendable {
    let moment: LogTime
    let isUTC: Bool
    let year: Int
    let month: Int
    let day: Int
    let hour: Int
    let minute: Int
    let second: Int
    /// 0 is Monday.
    let weekday: Int
    /// 1 is the first of January.
    let dayOfYear: Int
    let offsetSeconds: Int
    let zoneName: String

    var microsecond: Int { moment.nanoseconds / 1000 }

    init(_ moment: LogTime, isUTC: Bool) {
        self.moment = moment
        self.isUTC = isUTC
        let parts = Self.parts(of: moment, isUTC: isUTC)
        year = Int(parts.tm_year) + 1900
        month = Int(parts.tm_mon) + 1
        day = Int(parts.tm_mday)
        hour = Int(parts.tm_hour)
        minute = Int(parts.tm_min)
        second = Int(parts.tm_sec)
        weekday = (Int(parts.tm_wday) + 6) % 7
        dayOfYear = Int(parts.tm_yday) + 1
        offsetSeconds = parts.tm_gmtoff
        zoneName = parts.tm_zone.map { String(cString: $0) } ?? "UTC"
    }

    /// What the C library's `strftime` makes of `format`, with Python's `%f` for microseconds.
    func formatted(_ format: String) -> String {
        var parts = Self.parts(of: moment, isUTC: isUTC)
        var expanded = ""
        var afterPercent = false
        for character in format {
            if afterPercent, character == "f" {
                expanded.removeLast()
                expanded += Self.padded(microsecond, to: 6)
                afterPercent = false
                continue
            }
            expanded.append(character)
            afterPercent = character == "%" && !afterPercent
        }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
            guard let start = buffer.baseAddress else { return "" }
            // 0 stands for an empty result and for one that is too long.
            guard strftime(start, buffer.count, expanded, &parts) > 0 else { return "" }
            return String(cString: start)
        }
    }

    /// `2026-11-21T01:21:18.123456Z`, for a time in UTC.
    var internetTime: String {
        "\(Self.padded(year, to: 4))-\(Self.padded(month, to: 2))-\(Self.padded(day, to: 2))T"
            + "\(Self.padded(hour, to: 2)):\(Self.padded(minute, to: 2)):\(Self.padded(second, to: 2))."
            + "\(Self.padded(microsecond, to: 6))Z"
    }

    static func padded(_ value: Int, to width: Int) -> String {
        let digits = String(value)
        return digits.utf8.count >= width ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits
    }

    private static let zoneIsRead: Void = tzset()

    private static func parts(of moment: LogTime, isUTC: Bool) -> tm {
        var parts = tm()
        var seconds = time_t(moment.seconds)
        if isUTC {
            gmtime_r(&seconds, &parts)
        } else {
            _ = zoneIsRead
            localtime_r(&seconds, &parts)
        }
        return parts
    }
}
