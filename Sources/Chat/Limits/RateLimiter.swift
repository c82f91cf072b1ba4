// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Storage
import Synchronization

/// Token buckets of accounts and networks, and the limits that accounts have of their own.
///
/// An action costs two look-ups in memory that is allocated once. A bucket that is forgotten because others were used
/// since was most likely full.
final class RateLimiter: Sendable {
    private typealias Buckets = PerAction<TokenBucket>

    private struct State {
        var accounts: RecentlyUsed<UserID, Buckets>
        var networks: RecentlyUsed<IPAddress, Buckets>
        var own: [UserID: AccountLimits] = [:]
        var limits: RateLimits
        /// Whether nothing is limited at all.
        var isOff: Bool
    }

    private let state: Mutex<State>
    /// Accounts whose own limits were changed, here or on another server.
    let changedUsers: AsyncStream<UserID>
    private let changes: AsyncStream<UserID>.Continuation

    /// `capacity` is how many accounts and how many networks are remembered.
    init(_ limits: RateLimits, capacity: Int = 100_000) {
        (changedUsers, changes) = AsyncStream.makeStream(of: UserID.self)
        state = Mutex(
            State(
                accounts: RecentlyUsed(capacity: capacity), networks: RecentlyUsed(capacity: capacity), limits: limits,
                isOff: limits == .none))
    }

    /// Goes on with other limits; what the buckets hold stays.
    func update(_ limits: RateLimits) {
        state.withLock { state in
            state.limits = limits
            state.isOff = limits == .none
        }
    }

    /// Takes one of an action, of the account and the network together or of neither.
    ///
    /// - Parameters:
    ///   - action: What is done.
    ///   - user: By whom; `nil` for who has no account yet.
    ///   - network: Where it comes from; `nil` for what is no person's doing.
    ///   - now: Nanoseconds of a clock that never goes back.
    /// - Returns: How long to wait, and whether it is the account that does too much; `nil` when it was taken.
    func take(
        _ action: LimitedAction, user: UserID?, network: IPAddress?, now: Int64
    ) -> (wait: Duration, isOfAccount: Bool)? {
        state.withLock { state in
            guard !state.isOff else { return nil }
            var rate = user == nil ? nil : state.limits.account[action]
            if let user, !state.own.isEmpty, let own = state.own[user] {
                rate = own.rate(of: action, standard: rate)
            }
            // A peer on this machine may be a proxy that the settings do not name.
            let networkRate = network.flatMap { $0.isLoopback ? nil : state.limits.address[action] }
            if let rate, let user, let wait = Self.wait(&state.accounts, user, action, rate, now) {
                return (wait, true)
            }
            if let networkRate, let network {
                if let wait = Self.wait(&state.networks, network, action, networkRate, now) { return (wait, false) }
                Self.take(&state.networks, network, action, networkRate, now)
            }
            if let rate, let user { Self.take(&state.accounts, user, action, rate, now) }
            return nil
        }
    }

    private static func wait<Key: Hashable>(
        _ buckets: inout RecentlyUsed<Key, Buckets>, _ key: Key, _ action: LimitedAction, _ rate: Rate, _ now: Int64
    ) -> Duration? {
        (buckets.peek(key)?[action] ?? TokenBucket()).wait(at: now, rate)
    }

    private static func take<Key: Hashable>(
        _ buckets: inout RecentlyUsed<Key, Buckets>, _ key: Key, _ action: LimitedAction, _ rate: Rate, _ now: Int64
    ) {
        let isKnown: Void? = buckets.update(key) { $0[action].take(at: now, rate) }
        guard isKnown == nil else { return }
        var new = Buckets(repeating: TokenBucket())
        new[action].take(at: now, rate)
        buckets.set(new, for: key)
    }

    // MARK: Limits of single accounts

    /// Looks in committed events for accounts whose own limits were changed.
    func note(_ events: [LogEvent]) {
        for event in events where event.kind == .admin {
            if let user = event.subject { changes.yield(UserID(user)) }
        }
    }

    func finish() {
        changes.finish()
    }

    /// Puts limits in place of an account's own.
    func set(_ own: AccountLimits?, of user: UserID) {
        state.withLock { $0.own[user] = own }
    }

    /// Groups and channels that an account may own, all together or public ones.
    func flows(of user: UserID, public isPublic: Bool = false) -> Int? {
        state.withLock { state in
            let standard = isPublic ? state.limits.publicFlows : state.limits.flows
            return AccountLimits.limit(state.own[user]?.flows, standard: standard)
        }
    }

    /// Bytes that the messages of an account may take.
    func bytes(of user: UserID) -> Int? {
        state.withLock { state in
            state.own.isEmpty
                ? state.limits.bytes : AccountLimits.limit(state.own[user]?.bytes, standard: state.limits.bytes)
        }
    }
}
