// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import HummingbirdTLS
package import Logging
package import NIOCore
package import NIOSSL
import Synchronization

/// Serves TCP connections through our handlers, on one port.
struct StreamChannel: ServerChildChannel {
    /// What the connections of one listener share.
    final class Settings: Sendable {
        let options: StreamOptions
        let isSecure: Bool
        let registry: ConnectionRegistry
        let load: ServerLoad
        let makeSession: @Sendable (StreamPeer) -> any StreamSession
        private let connections = Atomic<Int>(0)

        init(
            options: StreamOptions,
            isSecure: Bool,
            registry: ConnectionRegistry,
            load: ServerLoad,
            makeSession: @escaping @Sendable (StreamPeer) -> any StreamSession
        ) {
            self.options = options
            self.isSecure = isSecure
            self.registry = registry
            self.load = load
            self.makeSession = makeSession
        }

        /// Counts a connection until it is closed; returns whether it may be served.
        func admitConnection(of channel: any Channel, from address: SocketAddress?) -> Bool {
            let count = self.connections.wrappingAdd(1, ordering: .relaxed).newValue
            self.registry.connectionOpened()
            self.load.connectionOpened()
            channel.closeFuture.whenComplete { _ in
                self.connections.wrappingSubtract(1, ordering: .relaxed)
                self.load.connectionClosed()
                self.registry.connectionClosed()
            }
            guard self.registry.admit(channel), self.registry.admit(channel, from: address) else { return false }
            if let limit = self.options.maximumConnections, count > limit { return false }
            guard self.load.admitRequest() else { return false }
            self.load.requestsFinished(1)
            return true
        }
    }

    /// One accepted connection.
    struct Value: ServerChildChannelValue {
        let channel: any Channel
        let lease: HTTPWebSocketChannel.Lease
    }

    let settings: Settings

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            guard let loop = self.settings.registry.loop(of: channel.eventLoop) else {
                throw ChannelError.operationUnsupported
            }
            try channel.syncOptions?.detectDeadPeers()
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(StreamHandler(settings: self.settings, loop: loop))
            try pipeline.addProxyHeaderHandler(self.settings.options.proxies, logger: logger)
            return Value(channel: channel, lease: HTTPWebSocketChannel.Lease(channel))
        }
    }

    /// Returns at once: the handler serves the connection on its loop.
    func handle(value: Value, logger: Logger) async {
        value.lease.take()
    }
}

extension Listener {
    /// Creates a listener for TCP connections with a session each; it binds in ``run()``.
    ///
    /// The group of `registry` must be the server's; a connection counts in `load` as one request and as the connection
    /// that it is.
    ///
    /// - Throws: What BoringSSL says when `tls` cannot be used.
    package init(
        address: ListenerAddress,
        options: StreamOptions,
        tls: TLSConfiguration? = nil,
        registry: ConnectionRegistry,
        load: ServerLoad = ServerLoad(),
        group: any EventLoopGroup,
        drainTimeout: TimeAmount,
        logger: Logger,
        makeSession: @escaping @Sendable (StreamPeer) -> any StreamSession,
        onRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) throws {
        let settings = StreamChannel.Settings(
            options: options, isSecure: tls != nil, registry: registry, load: load, makeSession: makeSession)
        var child: any ServerChildChannel = StreamChannel(settings: settings)
        if var tls {
            // What the configuration offers is for HTTP.
            tls.applicationProtocols = []
            child = try TLSChannel(StreamChannel(settings: settings), tlsConfiguration: tls)
        }
        let server = child.service(at: address, group: group, logger: logger, onRunning: onRunning)
        self.init(server: server, address: address, registry: registry, group: group, drainTimeout: drainTimeout)
    }
}
