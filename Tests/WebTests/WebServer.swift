// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import TestSupport
import Transport

@testable import Web

/// A listener on a free port that serves a `WebService`.
struct WebServer: Sendable {
    let port: Int

    struct Response {
        var status: Int
        var headers: [String: String]
        var body: String
        /// What cookies are set to, one after the other.
        var cookies: [String] = []

        init(_ text: String) throws {
            guard let end = text.firstRange(of: "\r\n\r\n") else { throw ConnectionEnded() }
            let lines = text[..<end.lowerBound].split(separator: "\r\n")
            self.status = Int(lines.first?.split(separator: " ").dropFirst().first ?? "") ?? 0
            self.headers = [:]
            for line in lines.dropFirst() {
                guard let colon = line.firstIndex(of: ":") else { continue }
                let value = line[line.index(after: colon)...].drop { $0 == " " }
                self.headers[line[..<colon].lowercased()] = String(value)
                if line[..<colon].lowercased() == "set-cookie" { self.cookies.append(String(value)) }
            }
            self.body = String(text[end.upperBound...])
        }
    }

    struct ConnectionEnded: Error {}

    var url: String { "http://127.0.0.1:\(self.port)" }

    /// Sends one request on a connection of its own and reads until the server closes.
    func ask(_ method: String, _ path: String, _ headers: String..., body: String = "") async throws -> Response {
        let head = (["\(method) \(path) HTTP/1.1", "Host: localhost", "Connection: close"] + headers)
        return try await Response(self.exchange(head.joined(separator: "\r\n") + "\r\n\r\n" + body))
    }

    /// Sends bytes and breaks the connection after `wait`, as a browser does that crashes.
    func abandon(_ text: String, after wait: () async -> Void) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: self.port).get()
        try await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await channel.writeAndFlush(ByteBuffer(string: text))
        await wait()
        try await channel.close()
    }

    /// Sends bytes and reads all that comes until the server closes; `inBetween` is called when the first part has
    /// come.
    func exchange(_ text: String, inBetween: () async throws -> Void = {}) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: self.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            var all = ByteBuffer()
            for try await var part in inbound {
                if all.readableBytes == 0 { try await inBetween() }
                all.writeBuffer(&part)
            }
            return String(buffer: all)
        }
    }
}

/// Serves `service` around `body`, then stops and waits for the end.
func withWebServer(
    _ service: WebService, proxies: TrustedProxies = .none, _ body: (WebServer) async throws -> Void
) async throws {
    try await withWebServer(service.responder, proxies: proxies, body)
}

/// Runs `body` beside a listener that serves with `responder`.
func withWebServer(
    _ responder: @escaping WebService.Responder, proxies: TrustedProxies = .none,
    _ body: (WebServer) async throws -> Void
) async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let registry = ConnectionRegistry(group: group)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    // Long enough for no test to pass only because a timeout closed the connection.
    var options = HTTPOptions()
    options.bodyTimeout = .hours(1)
    options.keepAliveTimeout = .hours(1)
    options.proxies = proxies
    let ports = Announced<Int>()
    let listener = try Listener(
        .http(webSockets: [], registry: registry, options: options),
        address: ListenerAddress(host: "127.0.0.1", port: 0),
        registry: registry,
        group: group,
        drainTimeout: .seconds(10),
        logger: logger,
        responder: responder,
        onRunning: { ports.announce($0.localAddress?.port ?? 0) }
    )
    try await withServices([listener], announced: ports) { port, _ in try await body(WebServer(port: port)) }
}
