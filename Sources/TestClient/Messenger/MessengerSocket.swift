// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOTLS

/// A TCP connection to a messenger server: bytes out, and what each read brought.
///
/// Reads wait without bound until they are taken; `setReading(false)` makes the client a slow reader.
package final class MessengerSocket: Sendable {
    private let channel: any Channel
    /// What each read brought, in order; ends with the connection.
    ///
    /// For one reader; unused when `connect` was given `onRead`.
    package let reads: AsyncStream<[UInt8]>

    private init(channel: any Channel, reads: AsyncStream<[UInt8]>) {
        self.channel = channel
        self.reads = reads
    }

    /// Connects, with TLS on demand.
    ///
    /// - Throws: `ClientError.refused`, `.timedOut`, `.tls` and so on.
    package static func connect(
        host: String, port: Int, isSecure: Bool = false, options: ClientOptions = ClientOptions(),
        onRead: (@Sendable ([UInt8]) -> Void)? = nil, onEnd: (@Sendable () -> Void)? = nil
    ) async throws(ClientError) -> MessengerSocket {
        let name = host.contains(":") ? "[\(host)]" : host
        let address = try ClientAddress(url: "\(isSecure ? "wss" : "ws")://\(name):\(port)")
        let (reads, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        return try await ClientConnector(address: address, options: options).connect { channel, _ in
            let ready = channel.eventLoop.makePromise(of: Void.self)
            let handler = MessengerSocketHandler(
                isSecure: isSecure, ready: ready, onRead: onRead ?? { _ = continuation.yield($0) },
                onEnd: {
                    continuation.finish()
                    onEnd?()
                })
            try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
            // Room for the longest unit from the first read on.
            try channel.syncOptions?.setOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16 << 10))
            try channel.pipeline.syncOperations.addHandler(handler)
            return ready.futureResult.map { MessengerSocket(channel: channel, reads: reads) }
        }
    }

    /// Sends bytes in one go and waits until the system has them.
    package func send(_ bytes: [UInt8]) async throws(ClientError) {
        do {
            try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
        } catch {
            throw .closed(.abnormal)
        }
    }

    /// Sends no more, reads on.
    package func endOutput() async {
        try? await channel.close(mode: .output)
    }

    /// Whether the client reads from its socket; while it does not, the server's writes back up.
    package func setReading(_ isReading: Bool) async {
        try? await channel.setOption(.autoRead, value: isReading).get()
    }

    /// Ends the connection.
    package func close() async {
        channel.close(promise: nil)
        try? await channel.closeFuture.get()
    }
}

/// Hands on what each read brings.
private final class MessengerSocketHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let isSecure: Bool
    private let onRead: @Sendable ([UInt8]) -> Void
    private let onEnd: @Sendable () -> Void
    /// Until the connection can be used.
    private var ready: EventLoopPromise<Void>?

    init(
        isSecure: Bool, ready: EventLoopPromise<Void>, onRead: @escaping @Sendable ([UInt8]) -> Void,
        onEnd: @escaping @Sendable () -> Void
    ) {
        self.isSecure = isSecure
        self.ready = ready
        self.onRead = onRead
        self.onEnd = onEnd
    }

    private func isReady(_ result: Result<Void, any Error>) {
        ready?.completeWith(result)
        ready = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        if !isSecure { isReady(.success(())) }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        onRead(Array(unwrapInboundIn(data).readableBytesView))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted: isReady(.success(()))
        case ChannelEvent.inputClosed: context.close(promise: nil)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        isReady(.failure(error))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isReady(.failure(ChannelError.eof))
        onEnd()
        context.fireChannelInactive()
    }
}

@available(*, unavailable)
extension MessengerSocketHandler: Sendable {}
