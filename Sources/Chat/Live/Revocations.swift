// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// Accounts whose sessions changed, for `Chat` to look after their connections.
final class Revocations: Sendable {
    let users: AsyncStream<UserID>
    private let continuation: AsyncStream<UserID>.Continuation

    init() {
        (users, continuation) = AsyncStream.makeStream(of: UserID.self)
    }

    func note(_ events: [LogEvent]) {
        for event in events where event.kind == .session || event.kind == .user {
            if event.content == LogEvent.sessionOpened { continue }
            if let user = event.subject { continuation.yield(UserID(user)) }
        }
    }

    /// The sessions of an account may have changed.
    func note(_ user: UserID) {
        continuation.yield(user)
    }

    func finish() {
        continuation.finish()
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
        for user in hub.connectedUsers { revocations.note(user) }
    }
}
