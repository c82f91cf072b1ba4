// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// How often something may happen: so many times in a unit of time on average, and so many at once.
///
/// Written `600/m burst 100`; `off` is no `Rate`.
package struct Rate: Hashable, Sendable, CustomStringConvertible {
    /// A unit of time in which is counted.
    package enum Unit: String, Sendable, CaseIterable {
        case second = "s"
        case minute = "m"
        case hour = "h"
        case day = "d"

        var seconds: Int64 {
            switch self {
            case .second: 1
            case .minute: 60
            case .hour: 3600
            case .day: 86400
            }
        }
    }

    /// How many in a unit, 1 to 1,000,000.
    package let count: Int
    package let unit: Unit
    /// How many at once, 1 to 1,000,000.
    package let burst: Int

    private static let range = 1...1_000_000

    /// A rate; `nil` for a number outside of its range.
    package init?(_ count: Int, per unit: Unit, burst: Int) {
        guard Self.range.contains(count), Self.range.contains(burst) else { return nil }
        self.count = count
        self.unit = unit
        self.burst = burst
    }

    /// Reads `600/m` or `600/m burst 100`; without a burst as many at once as in a unit.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 64 else { return nil }
        let words = text.lowercased().split(separator: " ")
        guard words.count == 1 || words.count == 3 && words[1] == "burst" else { return nil }
        let parts = words[0].split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Self.number(parts[0]), let unit = Unit(rawValue: String(parts[1])) else {
            return nil
        }
        guard let burst = words.count == 3 ? Self.number(words[2]) : count else { return nil }
        self.init(count, per: unit, burst: burst)
    }

    private static func number(_ text: Substring) -> Int? {
        guard (1...7).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    /// Nanoseconds from one to the next.
    package var interval: Int64 { unit.seconds * 1_000_000_000 / Int64(count) }

    /// `600/m burst 100`.
    package var description: String { "\(count)/\(unit.rawValue) burst \(burst)" }
}

/// What is left of a rate: a bucket that fills up by one each `Rate.interval`, up to `Rate.burst`.
///
/// One number: the time at which the bucket will be full again. A bucket that is full is equal to one that never was
/// used.
package struct TokenBucket: Sendable, Equatable {
    /// In nanoseconds of any clock that never goes back.
    private var fullAt: Int64 = 0

    /// A full bucket.
    package init() {}

    /// How long to wait until one can be taken; `nil`: none at all.
    package func wait(at now: Int64, _ rate: Rate) -> Duration? {
        let missing = max(fullAt, now) - now + rate.interval
        let room = rate.interval.multipliedReportingOverflow(by: Int64(rate.burst))
        if room.overflow || missing <= room.partialValue { return nil }
        return .nanoseconds(missing - room.partialValue)
    }

    /// Takes one, which `wait(at:_:)` found to be there.
    package mutating func take(at now: Int64, _ rate: Rate) {
        fullAt = max(fullAt, now) + rate.interval
    }
}
