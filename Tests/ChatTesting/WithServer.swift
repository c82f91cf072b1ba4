// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
import Logging
import NIOCore
import NIOPosix
import TestSupport
package import Transport

/// A protocol over a fresh domain, on a free port of this machine.
package struct ServerUnderTest: Sendable {
    package let test: ChatUnderTest
    package let port: Int
    package let registry: ConnectionRegistry
    /// Begins a graceful shutdown.
    package let stop: @Sendable () async -> Void

    /// The address of a route.
    package func url(_ path: String) -> String { "ws://127.0.0.1:\(port)\(path)" }
}

/// Serves routes over a fresh domain while `body` runs, then stops gracefully and waits for the end.
///
/// - Parameters:
///   - kind: The engine of the store.
///   - policy: The settings of the domain.
///   - limits: What the connections have in common.
///   - peers: What is asked of the peers.
///   - routes: What to serve.
///   - body: What happens meanwhile.
/// - Throws: What `body` throws, or what went wrong with the store or the port.
package func withServer(
    _ kind: StorageKind = .sqliteMemory, policy: ChatPolicy = ChatPolicy(),
    limits: ConnectionRegistry.WebSocketLimits = ConnectionRegistry.WebSocketLimits(),
    peers: PeerLimits = PeerLimits(),
    routes: (Chat, ConnectionRegistry) -> [WebSocketRoute], _ body: (ServerUnderTest) async throws -> Void
) async throws {
    try await ChatUnderTest.with(kind, policy: policy) { test in
        let group = MultiThreadedEventLoopGroup.singleton
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let registry = ConnectionRegistry(group: group, limits: limits, peers: peers)
        let ports = Announced<Int>()
        let listener = try Listener(
            .http(webSockets: routes(test.chat, registry), registry: registry),
            address: ListenerAddress(host: "127.0.0.1", port: 0), registry: registry, group: group,
            drainTimeout: .seconds(30), logger: logger, responder: { _, _, _ in },
            onRunning: { ports.announce($0.localAddress?.port ?? 0) })
        try await withServices([listener], announced: ports, onFailure: test.engine.release) { port, stop in
            try await body(ServerUnderTest(test: test, port: port, registry: registry, stop: stop))
        }
    }
}
