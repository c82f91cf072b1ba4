// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

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
        let date = UTCDate(milliseconds: milliseconds)
        return "\(date.day) \(date.time).\(date.milliseconds)"
    }
}
