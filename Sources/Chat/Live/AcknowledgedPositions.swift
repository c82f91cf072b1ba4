// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// How far in the log a peer is, by what its TCP has acknowledged: for clients that cannot say so themselves.
///
/// A rule without I/O. Amounts are of one kind for a connection, bytes or units, counted from its beginning.
package struct AcknowledgedPositions<Place> {
    private let capacity: Int
    private var places = Deque<(place: Place, amount: UInt64)>()
    /// As much as was acknowledged.
    private var acknowledged: UInt64 = 0

    /// Remembers so many places at most; beyond that the newest one moves.
    package init(capacity: Int = 1024) {
        self.capacity = capacity
    }

    /// Whether something was written of which it is not known that it arrived.
    package var isWaiting: Bool { !places.isEmpty }

    /// Notes that the peer is at a place once it has acknowledged everything up to `amount`.
    ///
    /// - Returns: The place, if the peer is there already: all was acknowledged before.
    package mutating func reached(_ place: Place, at amount: UInt64) -> Place? {
        guard amount > acknowledged else { return place }
        if places.count >= capacity { places.removeLast() }
        places.append((place, amount))
        return nil
    }

    /// The peer has acknowledged everything up to `amount`.
    ///
    /// - Returns: The places that it is at now or has passed, oldest first.
    package mutating func acknowledged(_ amount: UInt64) -> [Place] {
        acknowledged = max(acknowledged, amount)
        var passed: [Place] = []
        while let first = places.first, first.amount <= acknowledged {
            passed.append(first.place)
            places.removeFirst()
        }
        return passed
    }
}
