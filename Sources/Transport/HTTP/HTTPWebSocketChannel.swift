// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import HummingbirdCore
import HummingbirdTLS
package import Logging
package import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOPosix
package import NIOSSL
import Synchronization

/// Serves HTTP through Hummingbird and WebSocket through our handlers, on one port.
package struct HTTPWebSocketChannel: ServerChildChannel, HTTPChannelHandler {
    struct Settings: Sendable {
        var routes: [WebSocketRoute]
        var options: HTTPOptions
        var load: ServerLoad
        var registry: ConnectionRegistry
    }

    /// One accepted connection.
    package struct Value: ServerChildChannelValue {
        let outcome: EventLoopFuture<HTTPConnectionHandler.Outcome>
        fileprivate let lease: Lease
        /// The connection.
        package let channel: any Channel
    }

    /// Closes a connection that was accepted but is never handled, as the last one before a shutdown may be.
    final class Lease: Sendable {
        private let channel: any Channel
        private let isTaken = Atomic(false)

        init(_ channel: any Channel) {
            self.channel = channel
        }

        func take() {
            self.isTaken.store(true, ordering: .relaxed)
        }

        deinit {
            if !self.isTaken.load(ordering: .relaxed) { self.channel.close(promise: nil) }
        }
    }

    /// Answers the requests that are not for WebSocket.
    package let responder: HTTPChannelHandler.Responder
    let settings: Settings
    let isSecure: Bool

    /// Builds the pipeline of a connection, on its event loop.
    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            guard let loop = self.settings.registry.loop(of: channel.eventLoop) else {
                throw ChannelError.operationUnsupported
            }
            if let options = channel.syncOptions, channel.remoteAddress?.port != nil {
                try options.detectDeadPeers()
            }
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderFieldSize = self.settings.options.maximumHeaderFieldBytes
            limits.maxHeaderListSize = self.settings.options.maximumHeaderBytes
            limits.maxHeaderFieldCount = self.settings.options.maximumHeaderFields
            let encoder = HTTPResponseEncoder()
            let decoder = ByteToMessageHandler(
                HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits)
            )
            let outcome = channel.eventLoop.makePromise(of: HTTPConnectionHandler.Outcome.self)
            let handler = HTTPConnectionHandler(
                settings: self.settings,
                isSecure: self.isSecure,
                loop: loop,
                encoder: encoder,
                decoder: decoder,
                outcome: outcome
            )
            let pipeline = channel.pipeline.syncOperations
            do {
                try pipeline.addHandlers([encoder, decoder, handler])
                try pipeline.addProxyHeaderHandler(self.settings.options.proxies, logger: logger)
            } catch {
                outcome.succeed(.closed)
                throw error
            }
            return Value(outcome: outcome.futureResult, lease: Lease(channel), channel: channel)
        }
    }

    /// Serves the HTTP requests of a connection; returns at once when it has become a WebSocket.
    package func handle(value: Value, logger: Logger) async {
        value.lease.take()
        guard case .http(let tail) = try? await value.outcome.get(), let channel = try? await tail.open() else {
            return
        }
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await self.handleHTTP(asyncChannel: channel, logger: logger) }
            tasks.addTask { await channel.channel.closed() }
            // Whichever ends first ends the other: a closed connection cancels the request in flight.
            await tasks.next()
            tasks.cancelAll()
        }
    }
}

/// What a listener for HTTP serves, but for the one that answers the requests.
package struct HTTPServing: Sendable {
    let makeChannel: @Sendable (@escaping HTTPChannelHandler.Responder) throws -> any ServerChildChannel

    /// A server for HTTP and for the WebSocket connections of `routes`, on one port.
    ///
    /// The paths of `routes` are for WebSocket only; another request there gets 426. The group of `registry` must be
    /// the server's.
    package static func http(
        webSockets routes: [WebSocketRoute],
        registry: ConnectionRegistry,
        load: ServerLoad = ServerLoad(),
        options: HTTPOptions = HTTPOptions(),
        tls: TLSConfiguration? = nil
    ) -> HTTPServing {
        let settings = HTTPWebSocketChannel.Settings(routes: routes, options: options, load: load, registry: registry)
        return HTTPServing { responder in
            let channel = HTTPWebSocketChannel(responder: responder, settings: settings, isSecure: tls != nil)
            guard let tls else { return channel }
            return try TLSChannel(channel, tlsConfiguration: tls)
        }
    }
}
