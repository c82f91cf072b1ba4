// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import DequeModule
import JSON
import Storage
import Synchronization

/// Ends the connections of sessions that are revoked or have expired.
///
/// An account waits in the queue at most once, however often its sessions change, and costs one query; a few are
/// checked at the same time. A check that fails is repeated until it succeeds or the account has no connection left.
final class Revocations: Sendable {
    private struct State {
        var waiting = Deque<UserID>()
        /// The same accounts.
        var known: Set<UserID> = []
        /// Accounts whose check failed.
        var failed: Set<UserID> = []
        /// Up to where the log of other processes was read; `nil` until it is known where it ended at the start.
        var position: Position?
        var isFinished = false
    }

    /// How many accounts are checked at the same time.
    private static let simultaneousChecks = 4
    /// How often expired sessions are searched, failed checks are repeated, and the log is read without a hint.
    private static let pause = Duration.seconds(1)
    /// The least time between two reads of the log: many hints cost one.
    private static let pauseOfLooks = Duration.milliseconds(50)
    /// How many positions of the log one read goes through.
    private static let step = 10_000

    private let state = Mutex(State())
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation
    private let looks: AsyncStream<Void>
    private let look: AsyncStream<Void>.Continuation
    private let ends: AsyncStream<Void>
    private let end: AsyncStream<Void>.Continuation

    init() {
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (looks, look) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (ends, end) = AsyncStream.makeStream()
    }

    /// Ends the connections of the sessions that this process has ended, before that is answered and before anything
    /// said later is delivered; queues the accounts of which the events do not say it.
    func committed(_ events: [LogEvent], in hub: Hub) {
        if state.withLock({ $0.isFinished }) { return }
        for event in events where event.mayEndSessions {
            guard let user = event.subject.map({ UserID($0) }) else { continue }
            guard let ended = event.endedSessions else {
                note(CollectionOfOne(user))
                continue
            }
            for (session, connection) in hub.connections(of: user) where ended.contains(session.rawValue) {
                connection.sessionRevoked(session)
            }
        }
    }

    /// Queues the accounts whose sessions may have ended by these events of other processes.
    func note(_ events: [LogEvent]) {
        note(events.lazy.filter(\.mayEndSessions).compactMap(\.subject).map { UserID($0) })
    }

    /// Queues accounts whose sessions may have changed.
    func note(_ users: some Sequence<UserID>) {
        let isNew = state.withLock { state in
            let before = state.waiting.count
            for user in users where state.known.insert(user).inserted { state.waiting.append(user) }
            return state.waiting.count > before
        }
        if isNew { wake.yield() }
    }

    func finish() {
        state.withLock { $0.isFinished = true }
        wake.finish()
        look.finish()
        end.finish()
    }

    /// Works until `finish`.
    func run(for chat: Chat) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.checkNoted(for: chat) }
            group.addTask {
                while (try? await Task.sleep(for: Self.pause)) != nil {
                    chat.endExpiredSessions()
                    self.repeatFailed()
                    self.look.yield()
                }
            }
            if chat.policy.sharesStore {
                group.addTask { for await _ in chat.storage.signals.subscribe() { self.look.yield() } }
                group.addTask {
                    self.look.yield()
                    for await () in self.looks {
                        await self.readOthers(for: chat)
                        try? await Task.sleep(for: Self.pauseOfLooks)
                    }
                }
            }
            for await () in ends {}
            group.cancelAll()
        }
    }

    // MARK: Checking

    private func checkNoted(for chat: Chat) async {
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            for await () in wakes {
                while let user = next() {
                    if running == Self.simultaneousChecks {
                        await group.next()
                        running -= 1
                    }
                    running += 1
                    group.addTask { await self.check(user, for: chat) }
                }
            }
        }
    }

    private func next() -> UserID? {
        state.withLock { state in
            let user = state.waiting.popFirst()
            // From here on it may be noted again: what is read now may not show that.
            if let user { state.known.remove(user) }
            return user
        }
    }

    private func check(_ user: UserID, for chat: Chat) async {
        let connections = chat.hub.connections(of: user)
        guard !connections.isEmpty else { return }
        do {
            let live = try await chat.storage.liveSessions(among: Set(connections.map(\.0)))
            for (session, connection) in connections where !live.contains(session) {
                connection.sessionRevoked(session)
            }
        } catch {
            guard !Task.isCancelled else { return }
            chat.revocationCheckFailed(error)
            state.withLock { _ = $0.failed.insert(user) }
        }
    }

    private func repeatFailed() {
        let failed = state.withLock { state in
            defer { state.failed = [] }
            return state.failed
        }
        note(failed)
    }

    // MARK: What other processes revoked

    /// Looks through what other processes wrote, apart from the deliveries: these may have a long queue.
    private func readOthers(for chat: Chat) async {
        guard let position = state.withLock({ $0.position }) else { return await begin(for: chat) }
        var next = position
        while !Task.isCancelled {
            // Failures come again with the next hint or pause.
            guard let found = try? await chat.storage.accountsWithEndedSessions(after: next, limit: Self.step)
            else { return }
            chat.cache.forget(found.users)
            note(found.users)
            next = found.end
            state.withLock { state in state.position = max(state.position ?? next, next) }
            guard found.isCut else { return }
        }
    }

    /// What was remembered or connected before it is known where the log ends may be outdated already.
    private func begin(for chat: Chat) async {
        guard let head = try? await chat.storage.head() else { return }
        state.withLock { state in if state.position == nil { state.position = head } }
        chat.cache.forgetSessions()
        note(chat.hub.connectedUsers)
    }
}

extension LogEvent {
    fileprivate var mayEndSessions: Bool { (kind == .session || kind == .user) && content != Self.sessionOpened }

    /// The numbers among which the sessions are that the event ended; `nil` if it does not say so.
    fileprivate var endedSessions: ClosedRange<Int64>? {
        if kind == .user, content == Self.what("deleted") { return 0...Int64.max }
        guard kind == .session, let content = try? JSONValue.parse(content), let first = content["first"]?.int,
            let last = content["last"]?.int, first <= last
        else { return nil }
        return first...last
    }
}

extension Chat {
    /// What others wrote: forgets what it made untrue.
    func noteForeign(_ events: [LogEvent]) {
        cache.invalidate(by: events)
        directory.invalidate(by: events)
        revocations.note(events)
        limiter.note(events)
    }

    /// Forgets all that was read from the store: some of what others wrote may never be seen as events.
    func forgetWhatWasRead() {
        cache.forgetAll()
        directory.forgetAll()
        hub.forgetAudiences()
        revocations.note(hub.connectedUsers)
    }

    /// Tells the connections whose session has expired.
    func endExpiredSessions() {
        for (session, connection) in hub.expired(at: storage.currentTime()) { connection.sessionRevoked(session) }
    }

    /// Whether the time of a session is over: nothing is pushed for it any more.
    package func isExpired(_ principal: Principal) -> Bool {
        principal.expires <= storage.currentTime()
    }
}
