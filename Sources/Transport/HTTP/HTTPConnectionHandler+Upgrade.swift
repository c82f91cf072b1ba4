// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOHTTP1
import NIOWebSocket

/// How a connection becomes a WebSocket.
extension HTTPConnectionHandler {
    /// Judges a request at the address of a WebSocket.
    func receivedHandshake(_ head: HTTPRequestHead, for route: WebSocketRoute, context: ChannelHandlerContext) {
        guard self.requestsInFlight == 0 else {
            // A handshake sent before the answers of earlier requests: these are still given, nothing more is.
            self.mode = .ended
            self.closesAfterResponse = true
            return
        }
        switch WebSocketUpgradeRequest(head) {
        case .acceptable where !self.isOriginAllowed(head, context: context):
            self.settings.load.requestsFinished(1)
            self.log(head, .forbidden, context: context)
            self.respond(.forbidden, text: "Pages of this origin may not connect here.", context: context)
        case .acceptable:
            self.requestsInFlight = 1
            self.mode = .upgrading(head, route)
            self.setDeadline(in: self.settings.options.headTimeout, context: context)
        case .notRequested, .upgradeRequired:
            self.settings.load.requestsFinished(1)
            let headers = [
                ("Upgrade", "websocket"), ("Sec-WebSocket-Version", WebSocketUpgradeRequest.version),
            ]
            self.log(head, .upgradeRequired, context: context)
            self.respond(.upgradeRequired, headers: headers, text: "This address is for WebSocket.", context: context)
        case .malformed(let explanation):
            self.settings.load.requestsFinished(1)
            self.log(head, .badRequest, context: context)
            self.respond(.badRequest, text: explanation, context: context)
        }
    }

    /// Gives a request for a WebSocket its line; the path is that of a route.
    private func log(_ head: HTTPRequestHead, _ status: HTTPResponseStatus, context: ChannelHandlerContext) {
        guard let upgradeLog = self.settings.options.upgradeLog else { return }
        let address = self.settings.options.proxies.client(of: head.headers, peer: self.peer(context))
        upgradeLog.info(
            "\(head.method.rawValue) \(head.uri.prefix { $0 != "?" }) \(status.code)",
            metadata: ["address": "\(address?.ipAddress ?? "unknown")"])
    }

    private static let upgrader = NIOWebSocketServerUpgrader(
        shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
        upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() }
    )

    func upgrade(_ head: HTTPRequestHead, to route: WebSocketRoute, context: ChannelHandlerContext) {
        Self.upgrader.buildUpgradeResponse(channel: context.channel, upgradeRequest: head, initialResponseHeaders: [:])
            .hop(to: context.eventLoop).assumeIsolatedUnsafeUnchecked().whenComplete { result in
                guard case .upgrading = self.mode else { return }
                switch result {
                case .success(let headers):
                    self.becomeWebSocket(head, headers: headers, route: route, context: context)
                case .failure:
                    self.respond(.badRequest, text: "The WebSocket handshake is malformed.", context: context)
                }
            }
    }

    private func becomeWebSocket(
        _ head: HTTPRequestHead,
        headers: HTTPHeaders,
        route: WebSocketRoute,
        context: ChannelHandlerContext
    ) {
        let remoteAddress = self.settings.options.proxies.client(of: head.headers, peer: self.peer(context))
        if self.settings.options.proxies.contains(context.channel.remoteAddress),
            !self.settings.registry.admit(context.channel, from: remoteAddress)
        {
            return self.respond(.serviceUnavailable, text: "Too many connections.", context: context)
        }
        var fields = headers
        fields.replaceOrAdd(name: "Upgrade", value: "websocket")
        fields.replaceOrAdd(name: "Connection", value: "Upgrade")
        let response = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: fields)
        context.write(self.wrapOutboundOut(.head(response)), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        self.mode = .webSocket
        self.log(head, .switchingProtocols, context: context)
        self.leaveHTTP(context: context, outcome: .webSocket)

        let handshake = WebSocketHandshake(
            uri: head.uri,
            headers: head.headers,
            remoteAddress: remoteAddress,
            isSecure: self.isSecure
        )
        let handler = WebSocketHandler(
            connection: WebSocketConnection(loop: self.loop, remoteAddress: remoteAddress),
            session: route.makeSession(handshake),
            registry: self.settings.registry
        )
        let pipeline = context.pipeline.syncOperations
        // The encoder leaves at once: from here on bytes are written. The decoder leaves with the next tick and passes
        // on what it had not parsed, to the handler that is next to it by then. What serves HTTP after it stays, cut
        // off.
        pipeline.removeHandler(self.encoder, promise: nil)
        do {
            try pipeline.addHandler(handler, position: .after(self.decoder))
        } catch {
            context.close(promise: nil)
            return
        }
        let removal = context.eventLoop.makePromise(of: Void.self)
        removal.futureResult.assumeIsolatedUnsafeUnchecked().whenComplete { _ in
            // The decoder passes on what is left without an event that ends the read.
            handler.readWasComplete()
        }
        pipeline.removeHandler(self.decoder, promise: removal)
        if case .none = self.tail { pipeline.removeHandler(self, promise: nil) }
    }
}
