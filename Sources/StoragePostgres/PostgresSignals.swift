// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CPostgres
import Glibc
import Logging
import Storage
import Synchronization
import Threads

/// Hints between the processes on one PostgreSQL: `NOTIFY` in each batch's transaction, `LISTEN` on a connection of its
/// own.
///
/// The server delivers a notification when its transaction commits, and none of one that is rolled back. The connection
/// is made with the first subscriber, on a thread of its own.
final class PostgresSignals: LogSignals {
    /// A connection that lived shorter counts as a failed attempt, so that one which is cut at once is not made anew in
    /// a loop.
    private static let steadyAfter: Duration = .seconds(10)

    private struct State {
        var isStarted = false
        var isRunning = false
        var isClosed = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let configuration: PostgresConfiguration
    private let logger: Logger
    private let random: @Sendable () -> UInt64
    private let streams = LogHintStreams(isConnected: false)
    private let state = Mutex(State())
    private let wakeUp = WakeUp()

    init(_ configuration: PostgresConfiguration, logger: Logger, random: @escaping @Sendable () -> UInt64) {
        var logger = logger
        logger[metadataKey: "postgres.role"] = "listener"
        self.configuration = configuration
        self.logger = logger
        self.random = random
    }

    /// The transaction has carried the hint.
    func publish(_ news: LogNews) {}

    func subscribe() -> AsyncStream<LogHint> {
        let stream = streams.subscribe()
        guard let wakeUp else {
            logger.error("There is no descriptor left for hints; the log is read by time alone")
            return stream
        }
        let starts = state.withLock { state in
            guard !state.isStarted, !state.isClosed else { return false }
            state.isStarted = true
            state.isRunning = true
            return true
        }
        if starts, !BlockingThread.start({ self.main(wakeUp) }) {
            logger.error("There is no thread left for hints; the log is read by time alone")
            state.withLock { state in
                state.isStarted = false
                state.isRunning = false
            }
        }
        return stream
    }

    // MARK: The thread

    private func main(_ wakeUp: WakeUp) {
        let clock = ContinuousClock()
        let start = clock.now
        var backoff = ReconnectBackoff()
        while !state.withLock({ $0.isClosed }) {
            let began = clock.now
            do throws(StorageError) {
                let link = try listen()
                if backoff.failures > 0 { logger.info("Hints from other nodes arrive again") }
                streams.connected()
                pass(from: link, until: wakeUp)
                streams.disconnected()
                if let cause = link.brokenBecause {
                    logger.info("The connection for hints ended", metadata: ["postgres.cause": "\(cause)"])
                }
                if clock.now - began >= Self.steadyAfter { backoff.succeeded() }
            } catch {
                if backoff.failures == 0 {
                    logger.warning(
                        "Hints from other nodes cannot arrive", metadata: ["error": "\(String(reflecting: error))"])
                }
            }
            if clock.now - began < Self.steadyAfter { backoff.failed(at: clock.now - start, random: random()) }
            let pause = backoff.pause(at: clock.now - start)
            _ = SocketWait.wait(wakeUp.descriptor, for: SocketWait.readable, atMost: pause)
        }
        let closers = state.withLock { state in
            state.isRunning = false
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }

    /// A connection on which notifications arrive from now on.
    private func listen() throws(StorageError) -> PostgresLink {
        let link = try PostgresLink.connect(to: configuration, writing: false, logger: logger)
        let named = link.exchange([.control("SELECT \(PostgresDialect.channel)")])
        if let failure = named.failure { throw failure }
        // Part of a statement's text, so no more than letters and digits.
        guard case .text(let channel) = named.answers.first?.rows.first?.first,
            channel.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F })
        else { throw StorageError(.readFailed, "The database did not name a channel for hints.") }
        let listening = link.exchange([.control("LISTEN \(channel)")])
        if let failure = listening.failure { throw failure }
        return link
    }

    /// Hands on what arrives, until the connection breaks or `close`.
    private func pass(from link: PostgresLink, until wakeUp: WakeUp) {
        while true {
            for payload in link.notifications() {
                // A hint that cannot be read is a reason to look all the same.
                streams.yield(LogNews(text: payload).map { .news($0) } ?? .reconnected)
            }
            if link.isBroken || state.withLock({ $0.isClosed }) { return }
            var entries = [
                pollfd(fd: wakeUp.descriptor, events: Int16(SocketWait.readable), revents: 0),
                pollfd(fd: link.socket, events: Int16(SocketWait.readable), revents: 0),
            ]
            _ = SocketWait.wait(&entries, atMost: nil)
        }
    }

    // MARK: Closing

    /// Ends the streams and lets the thread go.
    func beginClosing() {
        state.withLock { $0.isClosed = true }
        streams.finish()
        wakeUp?.signal()
    }

    func close() async {
        beginClosing()
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.isRunning { state.closers.append(continuation) }
                return !state.isRunning
            }
            if isOver { continuation.resume() }
        }
    }
}
