// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A time format in loguru's tokens, such as `DD.MM.YYYY HH:mm:ss`, or in those of `strftime` when it contains a `%`.
///
/// Tokens: `YYYY YY Q MMMM MMM MM M DDDD DDD DD D dddd ddd d E HH H hh h A mm m ss s S…SSSSSS Z ZZ zz X x`. A token in
/// square brackets is printed as it is, and so is every other character. `!UTC` at the end converts to UTC.
struct LogTimeFormat: Sendable {
    enum Token: String, Sendable, CaseIterable {
        case year4 = "YYYY"
        case year2 = "YY"
        case quarter = "Q"
        case monthName = "MMMM"
        case monthShort = "MMM"
        case month2 = "MM"
        case month = "M"
        case dayOfYear3 = "DDDD"
        case dayOfYear = "DDD"
        case day2 = "DD"
        case day = "D"
        case weekdayName = "dddd"
        case weekdayShort = "ddd"
        case weekday = "d"
        case isoWeekday = "E"
        case hour2 = "HH"
        case hour = "H"
        case twelveHour2 = "hh"
        case twelveHour = "h"
        case halfDay = "A"
        case minute2 = "mm"
        case minute = "m"
        case second2 = "ss"
        case second = "s"
        case zone = "ZZ"
        case zoneWithColon = "Z"
        case zoneName = "zz"
        case unixSeconds = "X"
        case unixMicroseconds = "x"

        /// The longest spelling first, so that the first that fits is the right one.
        static let longestFirst = allCases.sorted { $0.rawValue.utf8.count > $1.rawValue.utf8.count }
            .map { (token: $0, spelling: Array($0.rawValue.utf8)) }
    }

    private enum Piece: Sendable {
        case literal(String)
        case token(Token)
        /// So many digits of the second's fraction.
        case fraction(Int)
        case systemFormat(String)
    }

    private let pieces: [Piece]
    /// Whether the format ends with `!UTC`.
    let isUTC: Bool

    /// Reads `format`, adding a sentence to `findings` for what cannot be done.
    init(_ format: String, findings: inout [String]) {
        var format = Substring(format)
        isUTC = format.hasSuffix("!UTC")
        if isUTC { format = format.dropLast(4) }
        if format.isEmpty { format = "YYYY-MM-DDTHH:mm:ss.SSSSSSZZ" }
        if format.contains("%") {
            pieces = [.systemFormat(String(format))]
            return
        }
        var pieces: [Piece] = []
        var literal: [UInt8] = []
        func finishLiteral() {
            if !literal.isEmpty { pieces.append(.literal(String(decoding: literal, as: UTF8.self))) }
            literal = []
        }
        var rest = ArraySlice(format.utf8)
        while let first = rest.first {
            if first == UInt8(ascii: "["), let length = Self.bracketed(rest) {
                literal += rest.dropFirst().prefix(length - 2)
                rest = rest.dropFirst(length)
            } else if let length = Self.fraction(rest) {
                if length > 6 {
                    findings.append("A time has six digits after the second at most; '\(format)' asks for \(length).")
                }
                finishLiteral()
                pieces.append(.fraction(min(length, 6)))
                rest = rest.dropFirst(length)
            } else if let (token, length) = Self.token(rest) {
                finishLiteral()
                pieces.append(.token(token))
                rest = rest.dropFirst(length)
            } else {
                literal.append(first)
                rest = rest.dropFirst()
            }
        }
        finishLiteral()
        self.pieces = pieces
    }

    func text(_ time: CalendarTime) -> String {
        var text = ""
        for piece in pieces {
            switch piece {
            case .literal(let literal): text += literal
            case .fraction(let digits): text += CalendarTime.padded(time.microsecond, to: 6).prefix(digits)
            case .systemFormat(let format): text += time.formatted(format)
            case .token(let token): text += Self.text(token, time)
            }
        }
        return text
    }

    /// Length of a token in brackets at the beginning, brackets included.
    private static func bracketed(_ text: ArraySlice<UInt8>) -> Int? {
        let inside = text.dropFirst()
        let length = fraction(inside) ?? token(inside)?.length ?? 0
        return inside.dropFirst(length).first == UInt8(ascii: "]") ? length + 2 : nil
    }

    private static func fraction(_ text: ArraySlice<UInt8>) -> Int? {
        let length = text.prefix { $0 == UInt8(ascii: "S") }.count
        return length > 0 ? length : nil
    }

    private static func token(_ text: ArraySlice<UInt8>) -> (token: Token, length: Int)? {
        for (token, spelling) in Token.longestFirst where text.starts(with: spelling) {
            return (token, spelling.count)
        }
        return nil
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

    private static func text(_ token: Token, _ time: CalendarTime) -> String {
        let twelveHour = (time.hour + 11) % 12 + 1
        return switch token {
        case .year4: CalendarTime.padded(time.year, to: 4)
        case .year2: CalendarTime.padded(time.year % 100, to: 2)
        case .quarter: String((time.month - 1) / 3 + 1)
        case .monthName: months[time.month - 1]
        case .monthShort: String(months[time.month - 1].prefix(3))
        case .month2: CalendarTime.padded(time.month, to: 2)
        case .month: String(time.month)
        case .dayOfYear3: CalendarTime.padded(time.dayOfYear, to: 3)
        case .dayOfYear: String(time.dayOfYear)
        case .day2: CalendarTime.padded(time.day, to: 2)
        case .day: String(time.day)
        case .weekdayName: weekdays[time.weekday]
        case .weekdayShort: String(weekdays[time.weekday].prefix(3))
        case .weekday: String(time.weekday)
        case .isoWeekday: String(time.weekday + 1)
        case .hour2: CalendarTime.padded(time.hour, to: 2)
        case .hour: String(time.hour)
        case .twelveHour2: CalendarTime.padded(twelveHour, to: 2)
        case .twelveHour: String(twelveHour)
        case .halfDay: time.hour < 12 ? "AM" : "PM"
        case .minute2: CalendarTime.padded(time.minute, to: 2)
        case .minute: String(time.minute)
        case .second2: CalendarTime.padded(time.second, to: 2)
        case .second: String(time.second)
        case .zone: offset(time.offsetSeconds, separator: "")
        case .zoneWithColon: offset(time.offsetSeconds, separator: ":")
        case .zoneName: time.zoneName
        case .unixSeconds: String(time.moment.seconds)
        case .unixMicroseconds: String(time.moment.seconds * 1_000_000 + time.microsecond)
        }
    }

    private static func offset(_ seconds: Int, separator: String) -> String {
        let minutes = abs(seconds) / 60
        return (seconds < 0 ? "-" : "+") + CalendarTime.padded(minutes / 60, to: 2) + separator
            + CalendarTime.padded(minutes % 60, to: 2)
    }
}
