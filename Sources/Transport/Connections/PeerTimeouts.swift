// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// How long a connection is kept whose peer does not log in, or does not read: looked at about once a second.
struct PeerTimeouts {
    /// For how long a peer may take nothing when more waits for all peers than may.
    private static let memoryShortageTimeout = TimeAmount.seconds(2)
    /// For how long a stranger who sends nothing more may wait for an answer: most likely it is gone.
    private static let strangerEndTimeout = TimeAmount.seconds(5)

    private let limits: PeerLimits
    private let total: OutboundTotal
    private var watch: ReaderWatch
    private var waitingBytes = 0
    private var isLoggedIn = false
    private var logInDeadline: NIODeadline?

    init(_ registry: ConnectionRegistry, minimumBytes: UInt64, now: NIODeadline) {
        limits = registry.peers
        total = registry.outboundTotal
        watch = ReaderWatch(minimumBytes: minimumBytes)
        loggedOut(now: now)
    }

    mutating func loggedIn() {
        isLoggedIn = true
        logInDeadline = nil
    }

    /// The peer sends nothing more: it has ended its direction, or the whole connection, which looks the same.
    mutating func inputEnded(now: NIODeadline) {
        guard !isLoggedIn else { return }
        logInDeadline = min(logInDeadline ?? .distantFuture, now + Self.strangerEndTimeout)
    }

    mutating func loggedOut(now: NIODeadline) {
        isLoggedIn = false
        logInDeadline = limits.logInTimeout.map { now + $0 }
    }

    /// Whether the time for a login is over.
    func isLogInOverdue(now: NIODeadline) -> Bool {
        logInDeadline.map { now >= $0 } ?? false
    }

    /// Notes how far the peer has read.
    ///
    /// - Parameters:
    ///   - taken: Bytes that it has taken so far.
    ///   - waiting: Bytes that are kept for it.
    ///   - isWaiting: Whether anything waits for it, be it only for its acknowledgement.
    ///   - now: The time.
    /// - Returns: Whether to cut the connection.
    mutating func isExhausted(taken: UInt64, waiting: Int, isWaiting: Bool, now: NIODeadline) -> Bool {
        note(waiting: waiting)
        let (slow, still) = watch.look(taken: taken, isWaiting: isWaiting, now: now)
        if let timeout = limits.writeTimeout, slow >= timeout { return true }
        return waiting > 0 && still >= Self.memoryShortageTimeout && total.isExceeded
    }

    /// The connection is gone.
    mutating func finish() {
        note(waiting: 0)
    }

    private mutating func note(waiting: Int) {
        total.change(by: waiting - waitingBytes)
        waitingBytes = waiting
    }
}
