// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What happened, in order, for people.
///
/// Always kept and only sometimes printed, so that a run that is looked at is the same as one that is not.
final class Trace: @unchecked Sendable {
    private let scheduler: Scheduler
    private(set) var lines: [String] = []
    /// How often each kind was drawn.
    private(set) var counts: [Tally: Int] = [:]

    init(_ scheduler: Scheduler) {
        self.scheduler = scheduler
    }

    func callAsFunction(_ line: String) {
        let milliseconds = scheduler.now / .milliseconds(1)
        let (whole, fraction) = (Int(milliseconds), Int(milliseconds * 1000) % 1000)
        lines.append("\(whole).\(fraction / 100)\(fraction / 10 % 10)\(fraction % 10) ms  \(line)")
    }

    /// Notes that something of a kind was drawn.
    func count(_ kind: Tally) { counts[kind, default: 0] += 1 }

    /// A number for all lines together: two runs are the same when it is.
    var digest: UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for line in lines {
            for byte in line.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        return hash
    }
}
