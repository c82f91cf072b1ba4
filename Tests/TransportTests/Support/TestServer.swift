// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import TestSupport

@testable import Transport

/// A listener on a free port, with an echo session at `/ws` and a page at every other path.
struct TestServer: Sendable {
    struct Options: Sendable {
        var limits = ConnectionRegistry.WebSocketLimits()
        var peers = PeerLimits()
        var http = HTTPOptions()
        var frameLog: FrameLog?
        var inboundBytes = 1 << 20
        var maximumConcurrency: Int?
        var maximumRequests: Int?
        var tls: TLSConfiguration?
        var address = ListenerAddress(host: "127.0.0.1", port: 0)
        var drainTimeout = TimeAmount.seconds(10)
        var responder: HTTPChannelHandler.Responder = TestServer.page
        var makeSession: @Sendable (WebSocketHandshake, SessionEvents) -> any WebSocketSession = { _, events in
            EchoSession(events: events)
        }
    }

    let port: Int
    let registry: ConnectionRegistry
    let load: ServerLoad
    let events: SessionEvents
    let stop: @Sendable () async -> Void

    /// Answers with the path that was asked for.
    static let page: HTTPChannelHandler.Responder = { request, writer, _ in
        let response = Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: request.uri.path)))
        try await writer.write(response: response.head, body: response.body)
    }
}

/// Runs a server around `body`, then stops it gracefully and waits for its end.
func withTestServer(
    _ options: TestServer.Options = TestServer.Options(),
    _ body: (TestServer) async throws -> Void
) async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let budget = InboundBudget(maximumBytes: options.inboundBytes)
    let registry = ConnectionRegistry(
        group: group, inboundBudget: budget, limits: options.limits, peers: options.peers, frameLog: options.frameLog)
    let events = SessionEvents()
    let ports = Announced<Int>()
    let makeSession = options.makeSession
    let load = ServerLoad(
        maximumConcurrency: options.maximumConcurrency,
        maximumRequests: options.maximumRequests,
        onLastRequest: { events.record(.lastRequest) }
    )
    let route = WebSocketRoute(path: "/ws") { makeSession($0, events) }
    let serving = HTTPServing.http(
        webSockets: [route],
        registry: registry,
        load: load,
        options: options.http,
        tls: options.tls
    )
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let listener = try Listener(
        serving,
        address: options.address,
        registry: registry,
        group: group,
        drainTimeout: options.drainTimeout,
        logger: logger,
        responder: options.responder,
        onRunning: { ports.announce($0.localAddress?.port ?? options.address.port) }
    )
    try await withServices([listener], announced: ports) { port, stop in
        try await body(TestServer(port: port, registry: registry, load: load, events: events, stop: stop))
    }
}

/// What happened to the sessions of a test, to be awaited in order.
final class SessionEvents: Sendable {
    enum Event: Equatable, Sendable {
        case opened, batchEnded, drain, closed, lastRequest
        case paused, inputEnded, reading
        case text(String)
        case writable(Bool)
        case acknowledged(Int)
    }

    private let stream: AsyncStream<Event>
    private let source: AsyncStream<Event>.Continuation

    init() {
        (self.stream, self.source) = AsyncStream.makeStream()
    }

    func record(_ event: Event) {
        self.source.yield(event)
    }

    /// Waits for `event`, skipping others; a test that waits in vain runs into its time limit.
    func wait(for event: Event) async {
        for await next in self.stream where next == event { return }
    }

    /// The next event that is not one of `others`.
    func next(except others: [Event] = []) async -> Event? {
        for await next in self.stream where !others.contains(next) { return next }
        return nil
    }
}

/// Sends every text back; some texts are commands.
final class EchoSession: WebSocketSession {
    private let events: SessionEvents
    private var connection: WebSocketConnection?

    init(events: SessionEvents) {
        self.events = events
    }

    func opened(_ connection: WebSocketConnection) {
        self.connection = connection
        self.events.record(.opened)
    }

    func received(text: ByteBuffer) {
        let words = String(buffer: text)
        if words.utf8.count < 200 { self.events.record(.text(words)) }
        switch words {
        case "close": self.connection?.close(code: .normal, reason: "as asked")
        case "limit": self.connection?.setMaximumMessageBytes(10)
        default: self.connection?.write(text: text)
        }
    }

    func receivedAll() {
        self.events.record(.batchEnded)
    }

    func drain() {
        self.events.record(.drain)
        self.connection?.close(code: .goingAway)
    }

    func closed() {
        self.events.record(.closed)
        self.connection = nil
    }
}
