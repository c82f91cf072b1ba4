// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Bounds
import CSodium

/// Slows down guessing of passwords, for each pair of account and network: five free failures, then a pause that
/// doubles from one second to a minute.
///
/// A pair that has logged in before has a generous rate instead: 30 free failures, then pauses of up to five seconds.
/// So others cannot shut the owner out from where they usually are. Logins that do not exist are slowed down like
/// others, so that a pause tells nothing, but in a memory of their own: made-up logins push out no account. Pure value:
/// it reads no clock and does no I/O.
package struct LoginThrottle<Instant: InstantProtocol & Sendable>: Sendable where Instant.Duration == Duration {
    /// What to do with an attempt to log in.
    package enum Decision: Hashable, Sendable {
        /// Check the password.
        case allowed
        /// Refuse without looking at the password; ask again after this time.
        case wait(Duration)
    }

    /// How failures are answered.
    package struct Pace: Hashable, Sendable {
        /// Failures without any pause.
        package var freeFailures: Int
        /// The pause after the free failures; each further one doubles it.
        package var firstPause: Duration
        package var longestPause: Duration

        package init(freeFailures: Int, firstPause: Duration = .seconds(1), longestPause: Duration) {
            self.freeFailures = freeFailures
            self.firstPause = firstPause
            self.longestPause = longestPause
        }

        func pause(after count: Int) -> Duration {
            // 2^20 is beyond any pause that makes sense; the bound keeps the multiplication from overflowing.
            let doublings = min(max(0, count - freeFailures), 20)
            return min(longestPause, firstPause * (1 << doublings))
        }
    }

    /// The numbers of the rule.
    package struct Limits: Hashable, Sendable {
        /// For pairs that have never logged in.
        package var strange: Pace
        /// For pairs that have.
        package var known: Pace
        /// After so long without a failure a pair begins anew.
        package var forgetAfter: Duration
        /// Pairs of each of the three kinds that are remembered.
        package var capacity: Int

        /// The defaults, with what is given changed.
        package init(
            strange: Pace = Pace(freeFailures: 5, longestPause: .seconds(60)),
            known: Pace = Pace(freeFailures: 30, longestPause: .seconds(5)),
            forgetAfter: Duration = .seconds(3600), capacity: Int = 100_000
        ) {
            self.strange = strange
            self.known = known
            self.forgetAfter = forgetAfter
            self.capacity = capacity
        }
    }

    private struct Failures: Sendable {
        var count = 0
        var last: Instant
        var blockedUntil: Instant
        /// Whether the store was asked if the pair has logged in before.
        var isLookedUp = false
    }

    private let limits: Limits
    private var failures: RecentlyUsed<PairKey, Failures>
    /// Failures of logins that do not exist.
    private var madeUp: RecentlyUsed<PairKey, Failures>
    /// Pairs that have logged in, with their failures since.
    private var known: RecentlyUsed<PairKey, Failures?>

    /// An empty memory.
    package init(limits: Limits = Limits()) {
        self.limits = limits
        failures = RecentlyUsed(capacity: limits.capacity)
        madeUp = RecentlyUsed(capacity: limits.capacity)
        known = RecentlyUsed(capacity: limits.capacity)
    }

    /// Whether the password of an attempt may be checked now.
    ///
    /// An attempt that is allowed after a pause starts the next pause itself, so that of many attempts at the same
    /// moment only one gets through.
    package mutating func decision(account: String, network: IPAddress, now: Instant) -> Decision {
        let pair = PairKey(account: account, network: network)
        let limits = limits
        let decide = { (entry: inout Failures, pace: Pace) -> Decision in
            guard entry.last.duration(to: now) < limits.forgetAfter, entry.count >= pace.freeFailures else {
                return .allowed
            }
            if now < entry.blockedUntil { return .wait(now.duration(to: entry.blockedUntil)) }
            entry.blockedUntil = now.advanced(by: pace.pause(after: entry.count))
            return .allowed
        }
        let ofKnown = known.update(pair) { entry in
            guard var failures = entry else { return Decision.allowed }
            defer { entry = failures }
            return decide(&failures, limits.known)
        }
        if let ofKnown { return ofKnown }
        return failures.update(pair) { decide(&$0, limits.strange) }
            ?? madeUp.update(pair) { decide(&$0, limits.strange) } ?? .allowed
    }

    /// The password was wrong, or, if the account does not exist, cannot have been right.
    package mutating func failed(account: String, network: IPAddress, exists: Bool = true, now: Instant) {
        let pair = PairKey(account: account, network: network)
        if let entry = known.peek(pair) {
            known.set(next(entry, limits.known, now: now), for: pair)
        } else if exists {
            failures.set(next(failures.peek(pair) ?? madeUp.remove(pair), limits.strange, now: now), for: pair)
        } else {
            madeUp.set(next(madeUp.peek(pair), limits.strange, now: now), for: pair)
        }
    }

    private func next(_ entry: Failures?, _ pace: Pace, now: Instant) -> Failures {
        var entry = entry ?? Failures(last: now, blockedUntil: now)
        if entry.last.duration(to: now) >= limits.forgetAfter { entry = Failures(last: now, blockedUntil: now) }
        entry.count = min(entry.count + 1, Int(Int32.max))
        entry.last = now
        if entry.count >= pace.freeFailures {
            entry.blockedUntil = max(entry.blockedUntil, now.advanced(by: pace.pause(after: entry.count)))
        }
        return entry
    }

    /// The password was right: the pair is a known one from now on, and its failures are forgotten.
    package mutating func succeeded(account: String, network: IPAddress) {
        let pair = PairKey(account: account, network: network)
        failures.remove(pair)
        madeUp.remove(pair)
        known.set(nil, for: pair)
    }

    /// Whether to ask the store, before a pair is made to wait, if it has logged in before: once for each pair.
    package mutating func needsLookUp(account: String, network: IPAddress) -> Bool {
        let pair = PairKey(account: account, network: network)
        let ask = { (entry: inout Failures) -> Bool in
            defer { entry.isLookedUp = true }
            return !entry.isLookedUp
        }
        if known.peek(pair) != nil { return false }
        return failures.update(pair, ask) ?? madeUp.update(pair, ask) ?? false
    }

    /// The store says that the pair has logged in before, here or on another server, or before a restart.
    ///
    /// Its failures count on, at the pace of known pairs.
    package mutating func recall(account: String, network: IPAddress) {
        let pair = PairKey(account: account, network: network)
        guard known.peek(pair) == nil else { return }
        known.set(failures.remove(pair), for: pair)
    }

    /// Pairs in memory, for tests and metrics; never more than three times the capacity.
    package var count: Int { failures.count + madeUp.count + known.count }
}

/// Account and network in 16 bytes, however long a client made them.
private struct PairKey: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    init(account: String, network: IPAddress) {
        _ = Sodium.ready
        var input = Array(account.utf8)
        // Their length is fixed: no other pair reads the same when joined.
        withUnsafeBytes(of: (network.high, network.low)) { input.append(contentsOf: $0) }
        var digest = [UInt8](repeating: 0, count: 16)
        _ = crypto_generichash_blake2b(&digest, digest.count, input, UInt64(input.count), nil, 0)
        high = digest.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        low = digest.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self) }
    }
}
