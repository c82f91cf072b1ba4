// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The memory that what all peers sent may hold together: partly received messages, and requests until they are
/// answered.
///
/// A connection takes what its unfinished message needs before it grows the buffer, and gives it back with the message;
/// a session takes what its requests need (``InboundShare``).
public final class InboundBudget: Sendable {
    /// The limit in bytes.
    package let maximumBytes: Int
    private let used = Atomic<Int>(0)

    /// Creates a budget of `maximumBytes` (`[SERVER_LIMIT] INBOUND_BYTES`, default 256 MiB).
    package init(maximumBytes: Int = 256 << 20) {
        self.maximumBytes = maximumBytes
    }

    /// Bytes that unfinished messages hold now.
    package var usedBytes: Int {
        self.used.load(ordering: .relaxed)
    }

    /// Takes `bytes`, or nothing and returns `false` when the budget does not have them.
    ///
    /// A protocol without framing calls it before it keeps bytes of an unfinished request.
    package func reserve(_ bytes: Int) -> Bool {
        let (_, total) = self.used.wrappingAdd(bytes, ordering: .relaxed)
        guard total <= self.maximumBytes else {
            self.used.wrappingSubtract(bytes, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Gives back what was taken.
    package func release(_ bytes: Int) {
        self.used.wrappingSubtract(bytes, ordering: .relaxed)
    }
}
