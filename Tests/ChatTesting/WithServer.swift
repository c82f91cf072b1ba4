// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
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
        let (ports, portSource) = AsyncStream.makeStream(of: Int.self)
        let listener = try Listener(
            .http(webSockets: routes(test.chat, registry), registry: registry),
            address: ListenerAddress(host: "127.0.0.1", port: 0), registry: registry, group: group,
            drainTimeout: .seconds(30), logger: logger, responder: { _, _, _ in },
            onRunning: { portSource.yield($0.localAddress?.port ?? 0) })
        let services = ServiceGroup(configuration: .init(services: [listener], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { portSource.finish() }
                try await services.run()
            }
            if let port = await ports.first(where: { _ in true }) {
                let server = ServerUnderTest(test: test, port: port, registry: registry) {
                    await services.triggerGracefulShutdown()
                }
                do {
                    try await body(server)
                } catch {
                    test.engine.release()
                    tasks.cancelAll()
                    throw error
                }
            }
            await services.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}
