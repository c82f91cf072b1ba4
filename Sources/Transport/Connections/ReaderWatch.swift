// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Whether a peer reads what is written to it: a rule without I/O, which is asked about once a second.
///
/// As long as bytes wait, a peer must take so many of them in each timeout. A peer that takes less, though there is
/// more, holds memory and does not use it.
struct ReaderWatch {
    /// What a peer has to take in the time, if there is as much.
    let minimumBytes: UInt64
    private var since: NIODeadline?
    private var takenThen: UInt64 = 0
    private var takenLast: UInt64 = 0
    private var lastProgress = NIODeadline.distantPast

    init(minimumBytes: UInt64) {
        self.minimumBytes = minimumBytes
    }

    /// Notes how far the peer has read.
    ///
    /// - Parameters:
    ///   - taken: Bytes that the peer has taken so far.
    ///   - isWaiting: Whether others wait for it.
    ///   - now: The time.
    /// - Returns: How long the peer has taken too little, and nothing at all.
    mutating func look(
        taken: UInt64, isWaiting: Bool, now: NIODeadline
    ) -> (isSlowFor: TimeAmount, isStillFor: TimeAmount) {
        if taken != takenLast || since == nil {
            takenLast = taken
            lastProgress = now
        }
        guard isWaiting else {
            since = nil
            return (.zero, .zero)
        }
        guard let since, taken < takenThen + minimumBytes else {
            self.since = now
            takenThen = taken
            return (.zero, .zero)
        }
        return (now - since, now - lastProgress)
    }
}
