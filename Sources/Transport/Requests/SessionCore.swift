// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// What the session of any protocol keeps of its connection: the way to the peer, the requests, and whether it is
/// ending.
///
/// For code on the connection's event loop only, apart from `eventLoop` and `number`: hence `@unchecked Sendable`.
/// Public for the same reason as ``RequestPipeline``.
public final class SessionCore<Session: RequestSession, Connection: PeerConnection>: @unchecked Sendable {
    /// The connection, as long as it is there.
    public private(set) var connection: Connection?
    /// Its requests, from the time it was opened.
    public private(set) var pipeline: RequestPipeline<Session>?
    /// Set when the connection is opened, before any other thread knows the session, and never again: safe to read
    /// anywhere.
    package private(set) var eventLoop: (any EventLoop)?
    /// The connection's number for its protocol's `EventSink`; the same holds.
    package private(set) var number: UInt64 = 0
    /// The connection is to close, or closes.
    public private(set) var isEnding = false
    @usableFromInline var close: (() -> Void)?

    /// Of a connection that is not open yet.
    package init() {}

    /// The connection of `session` is open; the session must outlive this.
    package func opened(
        _ connection: Connection, of session: Session, from address: String,
        limits: RequestPipeline<Session>.Limits, budget: InboundBudget, log: RequestLog
    ) {
        self.connection = connection
        eventLoop = connection.eventLoop
        number = connection.id.rawValue
        pipeline = RequestPipeline(
            of: session, limits: limits, budget: budget, executor: connection.taskExecutor,
            log: log.ofConnection(connection.id, at: address))
    }

    /// The connection is gone.
    package func closed() {
        connection = nil
        close = nil
        pipeline?.close()
    }

    // MARK: The end

    /// Ends the connection: `close` is called when everything that came is answered, at once if nothing is in flight.
    ///
    /// Only the first call counts.
    package func end(_ close: @escaping () -> Void) {
        guard !isEnding else { return }
        isEnding = true
        self.close = close
        endIfDone()
    }

    /// The connection ends and nothing is waited for: the caller closes it.
    package func endNow() {
        isEnding = true
        close = nil
    }

    /// Closes the connection if it is to end and nothing is in flight.
    @inlinable public func endIfDone() {
        if isEnding, pipeline?.inFlight == 0 { close?() }
    }
}

extension RequestSession {
    /// The connection, as long as it is there.
    @inlinable public var connection: Connection? { core.connection }
    /// Its requests, from the time it was opened.
    @inlinable public var pipeline: RequestPipeline<Self>? { core.pipeline }
    /// Whether the connection is to close, or closes.
    @inlinable public var isEnding: Bool { core.isEnding }
}

extension RequestSession where Connection == WebSocketConnection {
    /// Closes the connection with this when everything that came is answered; only the first call counts.
    package func end(_ code: WebSocketCloseCode, _ reason: String) {
        let connection = core.connection
        core.end { connection?.close(code: code, reason: reason) }
    }
}
