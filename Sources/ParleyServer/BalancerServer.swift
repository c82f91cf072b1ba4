// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import FastChat
package import Logging
import NIOCore
import NIOPosix
package import ServiceLifecycle
package import Settings
import Storage
import Transport

/// The balancer alone: names FastChat's clients a server of those that share the store, and serves no client itself.
package struct BalancerServer: Sendable {
    /// Where FastChat's clients look for a balancer.
    package static let usualPort = 9000
    /// How long answers under way may take when the balancer stops.
    private static let drainTimeout = TimeAmount.seconds(2)

    private let settings: Settings
    private let address: NetworkAddress
    private let store: Store
    private let logger: Logger

    /// A balancer over a store that is open, and that it closes.
    ///
    /// - Parameters:
    ///   - store: Has the list of servers and the key that signs.
    ///   - settings: Where to listen and how to choose.
    ///   - logger: Told when there is no server to name.
    package init(store: Store, settings: Settings, logger: Logger) {
        self.store = store
        self.settings = settings
        self.logger = logger
        address = settings.balancer.listen ?? NetworkAddress(host: settings.server.host, port: Self.usualPort)
    }

    /// Puts the balancer together, as services in the order of their dependence.
    ///
    /// When they stop in order, the first closes the store; after a failure, here or of a service, `close` does.
    ///
    /// - Parameter onRunning: Called once connections are accepted, with the address.
    /// - Returns: The services.
    /// - Throws: `StorageError`, `KeyFileError`, `SectionListenerError`; `ChatError` when the key cannot be used.
    package func services(
        onRunning: @escaping @Sendable (ParleyServer.Address) async -> Void
    ) async throws -> [ServiceGroupConfiguration.ServiceConfiguration] {
        try await store.storage.checkSchema()
        var withKey = settings
        // The key that signs is sealed with the key file, whatever is served here.
        withKey.fastChat.isEnabled = true
        let chat = try store.makeChat(withKey, logger: logger)
        let nodes = NodeBalancer(
            storage: store.storage, algorithm: NodeChooser.Algorithm(settings.balancer.algorithm), logger: logger)
        let balancer = FastChatBalancer(nodes: nodes, chat: chat, logger: logger)
        try await balancer.prepare()
        let endpoint = StreamEndpoint(
            balancer: balancer, address: address,
            trust: ProxyTrust(ranges: settings.server.trustedProxies, header: settings.forwardedHeader),
            sendsProxyHeader: settings.balancer.readsProxyHeader)
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try Listener(
            address: ListenerAddress(host: address.host, port: address.port), options: endpoint.options,
            registry: ConnectionRegistry(group: group), group: group, drainTimeout: Self.drainTimeout, logger: logger,
            makeSession: endpoint.makeSession,
            onRunning: { channel in
                await onRunning(endpoint.shown(boundPort: channel.localAddress?.port ?? endpoint.address.port))
            })
        return [
            .init(service: StoreService(close: close)),
            .init(service: SectionListener(section: endpoint.section, listener: listener)),
        ]
    }

    /// Closes the store, if it is not closed.
    package func close() async {
        await store.close()
    }
}
