// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// Where a connection stands in the log: behind and reading, or up to date and taking what comes live.
///
/// A rule without I/O. A connection that is told of something while a read is in flight reads once more, so nothing
/// falls between a read and what comes live; what a read has shown already is not taken again.
package struct LiveCursor: Sendable {
    /// Everything up to here has been shown, or is none of the account's business.
    package private(set) var position: Position
    private var isReading = false
    private var hasNews = true

    /// Begins behind: the first thing is a read.
    package init(after position: Position) {
        self.position = position
    }

    /// Whether to show at once what is live from one position to another; if not, the next read finds it or has shown
    /// it.
    ///
    /// `isReady` says whether the connection can take it: it keeps up and waits for nothing.
    package mutating func takes(_ span: ClosedRange<Position>, isReady: Bool) -> Bool {
        guard !isReading, !hasNews, isReady else {
            hasNews = true
            return false
        }
        guard span.upperBound > position else { return false }
        guard span.lowerBound > position else {
            // A read ended inside it: the next one brings the rest.
            hasNews = true
            return false
        }
        position = span.upperBound
        return true
    }

    /// Something has happened that only a read shows.
    package mutating func hinted() {
        hasNews = true
    }

    /// Whether the caller is to read: something may be new, and no read is in flight.
    package mutating func start() -> Bool {
        guard hasNews, !isReading else { return false }
        isReading = true
        return true
    }

    /// After which position to read, until there is nothing new.
    package mutating func next() -> Position? {
        guard hasNews else { return nil }
        hasNews = false
        return position
    }

    /// A read has shown everything up to `position`; `more` follows.
    package mutating func arrived(at position: Position, more: Bool) {
        self.position = max(self.position, position)
        if more { hasNews = true }
    }

    /// The reads have ended, for now.
    package mutating func stop() {
        isReading = false
    }
}
