// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSodium

/// Slows down guessing of passwords: five free failures for each pair of account and address, then a pause that doubles
/// from one second to a minute.
///
/// A pair that has logged in before is never made to wait, so nobody can shut the owner out from where they usually are.
/// Pure value: it reads no clock and does no I/O. Memory is bounded; the pairs untouched for longest are dropped first.
package struct LoginThrottle<Instant: InstantProtocol & Sendable>: Sendable where Instant.Duration == Duration {
    /// What to do with an attempt to log in.
    package enum Decision: Hashable, Sendable {
        /// Check the password.
        case allowed
        /// Refuse without looking at the password; ask again after this time.
        case wait(Duration)
    }

    /// The numbers of the rule.
    package struct Limits: Hashable, Sendable {
        /// Failures without any pause.
        package var freeFailures: Int
        /// The pause after the free failures; each further one doubles it.
        package var firstPause: Duration
        /// The longest pause.
        package var longestPause: Duration
        /// After so long without a failure a pair begins anew.
        package var forgetAfter: Duration
        /// Pairs with failures that are remembered, and as many that have logged in.
        package var capacity: Int

        /// The defaults, with what is given changed.
        package init(
            freeFailures: Int = 5, firstPause: Duration = .seconds(1), longestPause: Duration = .seconds(60),
            forgetAfter: Duration = .seconds(3600), capacity: Int = 100_000
        ) {
            self.freeFailures = freeFailures
            self.firstPause = firstPause
            self.longestPause = longestPause
            self.forgetAfter = forgetAfter
            self.capacity = capacity
        }
    }

    private struct Failures: Sendable {
        var count: Int
        var last: Instant
        var blockedUntil: Instant
    }

    private let limits: Limits
    private var failures: BoundedMemory<PairKey, Failures>
    /// Apart from the failures, so that a flood of those cannot push out who has logged in.
    private var knownPairs: BoundedMemory<PairKey, Void>

    /// An empty memory.
    package init(limits: Limits = Limits()) {
        self.limits = limits
        failures = BoundedMemory(capacity: limits.capacity)
        knownPairs = BoundedMemory(capacity: limits.capacity)
    }

    /// Whether the password of an attempt may be checked now.
    ///
    /// An attempt that is allowed after a pause starts the next pause itself, so that of many attempts at the same moment
    /// only one gets through.
    package mutating func decision(account: String, address: String, now: Instant) -> Decision {
        let pair = PairKey(account: account, address: address)
        if knownPairs.value(for: pair) != nil { return .allowed }
        guard var entry = current(pair, now: now), entry.count >= limits.freeFailures else { return .allowed }
        if now < entry.blockedUntil { return .wait(now.duration(to: entry.blockedUntil)) }
        entry.blockedUntil = now.advanced(by: pause(after: entry.count))
        failures.set(entry, for: pair)
        return .allowed
    }

    /// The password was wrong, or the account does not exist.
    package mutating func failed(account: String, address: String, now: Instant) {
        let pair = PairKey(account: account, address: address)
        var entry = current(pair, now: now) ?? Failures(count: 0, last: now, blockedUntil: now)
        entry.count = min(entry.count + 1, Int(Int32.max))
        entry.last = now
        if entry.count >= limits.freeFailures {
            entry.blockedUntil = max(entry.blockedUntil, now.advanced(by: pause(after: entry.count)))
        }
        failures.set(entry, for: pair)
    }

    /// The password was right: the pair is free of pauses from now on.
    package mutating func succeeded(account: String, address: String) {
        let pair = PairKey(account: account, address: address)
        failures.remove(pair)
        knownPairs.set((), for: pair)
    }

    /// Pairs in memory, for tests and metrics; never more than twice the capacity.
    package var count: Int { failures.count + knownPairs.count }

    private mutating func current(_ pair: PairKey, now: Instant) -> Failures? {
        guard let entry = failures.value(for: pair) else { return nil }
        return entry.last.duration(to: now) < limits.forgetAfter ? entry : nil
    }

    private func pause(after count: Int) -> Duration {
        // 2^20 is beyond any pause that makes sense; the bound keeps the multiplication from overflowing.
        let doublings = min(max(0, count - limits.freeFailures), 20)
        return min(limits.longestPause, limits.firstPause * (1 << doublings))
    }
}

/// Account and address in 16 bytes, however long a client made them.
private struct PairKey: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    init(account: String, address: String) {
        _ = Sodium.ready
        // The count in front keeps apart pairs that would read the same when joined.
        var input = Array("\(account.utf8.count):".utf8)
        input.append(contentsOf: account.utf8)
        input.append(contentsOf: address.utf8)
        var digest = [UInt8](repeating: 0, count: 16)
        _ = crypto_generichash_blake2b(&digest, digest.count, input, UInt64(input.count), nil, 0)
        high = digest.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        low = digest.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self) }
    }
}

/// A dictionary of at most `capacity` entries that forgets those not touched for longest, in two generations: when the
/// young one is full it becomes the old one, and what the old one still held is gone.
private struct BoundedMemory<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let generationCapacity: Int
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]

    init(capacity: Int) {
        generationCapacity = max(1, capacity / 2)
    }

    var count: Int { young.count + old.count }

    mutating func value(for key: Key) -> Value? {
        if let value = young[key] { return value }
        guard let value = old.removeValue(forKey: key) else { return nil }
        set(value, for: key)
        return value
    }

    mutating func set(_ value: Value, for key: Key) {
        old.removeValue(forKey: key)
        young[key] = value
        guard young.count >= generationCapacity else { return }
        old = young
        young = [:]
    }

    mutating func remove(_ key: Key) {
        young.removeValue(forKey: key)
        old.removeValue(forKey: key)
    }
}
