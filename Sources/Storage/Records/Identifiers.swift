// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A user's row number.
package struct UserID: Hashable, Sendable, Comparable {
    package var rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A flow's row number.
package struct FlowID: Hashable, Sendable, Comparable {
    package var rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A session's row number.
package struct SessionID: Hashable, Sendable {
    package var rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
}

/// A place in the log, from 1.
///
/// As a cursor: everything up to and including it has been seen; 0 has seen nothing.
package struct Position: Hashable, Sendable, Comparable {
    package var rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package static let start = Position(0)
}

/// Milliseconds since 1970 (UTC), the log's time.
///
/// It does not go back from one position to the next, but for a step after a clock that was far ahead; see `LogStep`.
package struct Timestamp: Hashable, Sendable, Comparable {
    package var milliseconds: Int64
    package init(milliseconds: Int64) { self.milliseconds = milliseconds }
    package init(seconds: Int64) {
        milliseconds =
            seconds.multipliedReportingOverflow(by: 1000).overflow
            ? (seconds < 0 ? .min : .max) : seconds * 1000
    }
    package var seconds: Int64 {
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        return rest < 0 ? seconds - 1 : seconds
    }
    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    /// By how many milliseconds a clock may be set back without more ado.
    ///
    /// A stored time that is further ahead is from a clock that was wrong: how old it is, is not known.
    package static let longestCorrection: Int64 = 3_600_000

    /// Whether this time was so many milliseconds ago at most, or is ahead of the clock by no more than a correction.
    package func isRecent(within milliseconds: Int64, at now: Timestamp) -> Bool {
        let (age, isOverflow) = now.milliseconds.subtractingReportingOverflow(self.milliseconds)
        return !isOverflow && age >= -Self.longestCorrection && age <= milliseconds
    }

    /// The time so many seconds later, or the last there is.
    func adding(seconds: Int64) -> Timestamp {
        let sum = milliseconds.addingReportingOverflow(Timestamp(seconds: seconds).milliseconds)
        return Timestamp(milliseconds: sum.overflow ? .max : sum.partialValue)
    }
}
