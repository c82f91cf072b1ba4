// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization
import TestSupport

@testable import Transport

/// A stream listener on a free port, and on demand a WebSocket listener beside it.
struct StreamTestServer: Sendable {
    struct Options: Sendable {
        var stream = StreamOptions()
        var peers = PeerLimits()
        var tls: TLSConfiguration?
        var load = ServerLoad()
        var drainTimeout = TimeAmount.seconds(10)
        var inboundBytes = 1 << 20
        /// What a session does with each text.
        var onText: @Sendable (ScriptedSession, StreamConnection, String) -> Void = { _, connection, text in
            connection.write(unit: ByteBuffer(string: text))
        }
        var onOpened: @Sendable (StreamConnection) -> Void = { _ in }
        var webSocket: (@Sendable (SessionEvents) -> any WebSocketSession)?
    }

    let port: Int
    let webSocketPort: Int
    let registry: ConnectionRegistry
    let events: SessionEvents
    let stop: @Sendable () async -> Void
}

/// Does what the test says, and reports what happens to it.
final class ScriptedSession: StreamSession, DeliverySession {
    let events: SessionEvents
    let options: StreamTestServer.Options
    private(set) var connection: StreamConnection?
    var answersEndOfInput = false

    init(events: SessionEvents, options: StreamTestServer.Options) {
        self.events = events
        self.options = options
    }

    func opened(_ connection: StreamConnection) {
        self.connection = connection
        // First what the test wants to have happened by then.
        self.options.onOpened(connection)
        self.events.record(.opened)
    }

    func received(_ bytes: ByteBuffer) {
        guard let connection = self.connection else { return }
        let text = String(buffer: bytes)
        if text.utf8.count < 200 { self.events.record(.text(text)) }
        self.options.onText(self, connection, text)
    }

    func receivedAll() {
        self.connection?.flush()
    }

    func paused() { self.events.record(.paused) }
    func unitsAcknowledged(_ count: Int) { self.events.record(.acknowledged(count)) }
    func becameWritable() { self.events.record(.writable(true)) }

    func inputEnded(_ connection: StreamConnection) {
        self.events.record(.inputEnded)
        if self.answersEndOfInput {
            connection.write(unit: ByteBuffer(string: "the last word"))
        }
        connection.close()
    }

    func deliver(_ delivery: Delivery) {
        guard let connection = self.connection else { return }
        for unit in delivery.units { connection.write(unit: unit) }
        connection.flush()
    }

    func drain() {
        self.events.record(.drain)
        self.connection?.write(unit: ByteBuffer(string: "bye"))
        self.connection?.close()
    }

    func closed() {
        self.events.record(.closed)
        self.connection = nil
    }
}

/// What the tests hand to many connections.
struct Delivery: Sendable {
    var units: [ByteBuffer]
    var frames: [PreparedFrame]

    init(_ texts: [String]) {
        self.units = texts.map { ByteBuffer(string: $0) }
        self.frames = self.units.map { PreparedFrame(text: $0) }
    }
}

/// Runs listeners around `body`, then stops them gracefully and waits for their end.
func withStreamServer(
    _ options: StreamTestServer.Options = StreamTestServer.Options(),
    _ body: (StreamTestServer) async throws -> Void
) async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let registry = ConnectionRegistry(
        group: group, inboundBudget: InboundBudget(maximumBytes: options.inboundBytes), peers: options.peers)
    let events = SessionEvents()
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let ports = Announced<[Int: Int]>()
    let bound = Mutex<[Int: Int]>([:])
    let expected = options.webSocket == nil ? 1 : 2
    let isRunning: @Sendable (Int, any Channel) -> Void = { place, channel in
        let all = bound.withLock { bound in
            bound[place] = channel.localAddress?.port ?? 0
            return bound
        }
        if all.count == expected { ports.announce(all) }
    }
    let address = ListenerAddress(host: "127.0.0.1", port: 0)
    var listeners = [
        try Listener(
            address: address, options: options.stream, tls: options.tls, registry: registry, load: options.load,
            group: group, drainTimeout: options.drainTimeout, logger: logger,
            makeSession: { _ in ScriptedSession(events: events, options: options) },
            onRunning: { isRunning(0, $0) })
    ]
    if let makeSession = options.webSocket {
        listeners.append(
            try Listener(
                .http(webSockets: [WebSocketRoute(path: "/ws") { _ in makeSession(events) }], registry: registry),
                address: address, registry: registry, group: group, drainTimeout: options.drainTimeout, logger: logger,
                responder: TestServer.page,
                onRunning: { isRunning(1, $0) }))
    }
    try await withServices([ListenerGroup(listeners)], announced: ports) { ports, stop in
        let server = StreamTestServer(
            port: ports[0] ?? 0, webSocketPort: ports[1] ?? 0, registry: registry, events: events, stop: stop)
        try await body(server)
    }
}
