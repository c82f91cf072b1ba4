// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Logging
import NIOCore

/// The first bytes of a connection from a trusted proxy: its header says where the connection comes from.
///
/// It stands at the very beginning of a pipeline, before TLS. What follows learns of the connection when the header is
/// there, and is told its source before that by a `ProxiedPeer` event. A connection of any other peer passes at once.
final class ProxyHeaderHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let proxies: TrustedProxies
    private let logger: Logger
    private var received = ByteBuffer()
    private var isWaiting = false
    private var deadline: Scheduled<Void>?

    init(proxies: TrustedProxies, logger: Logger) {
        self.proxies = proxies
        self.logger = logger
    }

    func channelActive(context: ChannelHandlerContext) {
        guard self.proxies.contains(context.channel.remoteAddress) else {
            context.fireChannelActive()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
            return
        }
        self.isWaiting = true
        self.deadline = context.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(
            in: self.proxies.headerTimeout
        ) {
            context.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard self.isWaiting else { return context.fireChannelRead(data) }
        var bytes = self.unwrapInboundIn(data)
        self.received.writeBuffer(&bytes)
        do {
            guard let header = try ProxyHeader(decoding: &self.received) else { return }
            self.pass(header, context: context)
        } catch {
            self.logger.warning(
                "Refused a connection of a trusted proxy: \(error)",
                metadata: ["address": "\(context.channel.remoteAddress?.ipAddress ?? "unknown")"])
            self.finish()
            context.close(promise: nil)
        }
    }

    private func pass(_ header: ProxyHeader, context: ChannelHandlerContext) {
        self.finish()
        if let source = header.source { context.fireUserInboundEventTriggered(ProxiedPeer(address: source)) }
        context.fireChannelActive()
        if self.received.readableBytes > 0 {
            context.fireChannelRead(self.wrapInboundOut(self.received))
            context.fireChannelReadComplete()
        }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !self.isWaiting { context.fireChannelReadComplete() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // No handler is there yet that would close a connection in order.
        if self.isWaiting { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.finish()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.finish()
    }

    private func finish() {
        self.isWaiting = false
        self.deadline?.cancel()
        self.deadline = nil
    }
}

@available(*, unavailable)
extension ProxyHeaderHandler: Sendable {}

/// Where a connection really comes from, as a trusted proxy says: an event that goes through the pipeline before it is
/// active.
struct ProxiedPeer: Sendable {
    let address: SocketAddress
}

extension ChannelPipeline.SynchronousOperations {
    /// Adds what reads the header of the PROXY protocol, where proxies send one.
    func addProxyHeaderHandler(_ proxies: TrustedProxies, logger: Logger) throws {
        guard proxies.sendsProxyHeader else { return }
        try self.addHandler(ProxyHeaderHandler(proxies: proxies, logger: logger), position: .first)
    }
}
