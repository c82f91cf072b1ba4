// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What asks to be called at a certain time.
protocol Wakeable: AnyObject {
    /// The time `deadline` has come; it may have been asked for on an occasion that is over.
    func wake(at deadline: NIODeadline)
}

/// The short timers of one loop, to the millisecond: all that fall on the same one share a timer.
///
/// Nothing is ever cancelled, so a connection that closes must not be found here for long: use it for times well below
/// a second.
final class WakeSchedule {
    private static let tick: UInt64 = 1_000_000

    private let eventLoop: any EventLoop
    private var sleepers: [UInt64: [any Wakeable]] = [:]

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Wakes `sleeper` at `deadline`, rounded up to a millisecond; returns when that is.
    func wake(_ sleeper: any Wakeable, at deadline: NIODeadline) -> NIODeadline {
        let tick = (deadline.uptimeNanoseconds + (Self.tick - 1)) / Self.tick
        let time = NIODeadline.uptimeNanoseconds(tick * Self.tick)
        if self.sleepers[tick, default: []].isEmpty {
            self.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(deadline: time) {
                for sleeper in self.sleepers.removeValue(forKey: tick) ?? [] { sleeper.wake(at: time) }
            }
        }
        self.sleepers[tick, default: []].append(sleeper)
        return time
    }
}

@available(*, unavailable)
extension WakeSchedule: Sendable {}
