// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The server's end of a simulated connection, for the real handlers: as NIO's socket channel, without a socket.
///
/// Touched on its loop only.
final class SimulatedChannel: Channel, @unchecked Sendable {
    private let socket: SimulatedSocket
    private let loop: SimulatedLoop
    private let closing: EventLoopPromise<Void>
    private var ownPipeline: ChannelPipeline?
    private var written: [(bytes: ByteBuffer, time: Duration, promise: EventLoopPromise<Void>?)] = []
    private var flushedCount = 0
    private var bufferedBytes = 0
    private var low = 32 * 1024
    private var high = 64 * 1024
    private var mayWrite = true
    private var state = State.idle
    private var isReadWanted = false
    private var arrivedBytes: [ByteBuffer] = []
    private var inputHasEnded = false
    private var outputEnds = false

    private enum State { case idle, active, closed }

    init(socket: SimulatedSocket, loop: SimulatedLoop) {
        self.socket = socket
        self.loop = loop
        closing = loop.makePromise()
        ownPipeline = ChannelPipeline(channel: self)
    }

    var allocator: ByteBufferAllocator { ByteBufferAllocator() }
    var closeFuture: EventLoopFuture<Void> { closing.futureResult }
    var pipeline: ChannelPipeline {
        guard let ownPipeline else { preconditionFailure("a channel has its pipeline from the start") }
        return ownPipeline
    }
    var localAddress: SocketAddress? { nil }
    var remoteAddress: SocketAddress? { try? SocketAddress(ipAddress: "192.0.2.1", port: 4000) }
    var parent: (any Channel)? { nil }
    var isWritable: Bool { mayWrite }
    var isActive: Bool { state == .active }
    var _channelCore: any ChannelCore { self }
    var eventLoop: any EventLoop { loop }
    var syncOptions: (any NIOSynchronousChannelOptions)? { Options(channel: self) }

    func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
        loop.makeCompletedFuture { try Options(channel: self).setOption(option, value: value) }
    }

    func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        loop.makeCompletedFuture { try Options(channel: self).getOption(option) }
    }

    private struct Options: NIOSynchronousChannelOptions {
        let channel: SimulatedChannel

        func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            if let marks = value as? ChannelOptions.Types.WriteBufferWaterMark {
                channel.low = marks.low
                channel.high = marks.high
            }
        }

        func getOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            if option is ChannelOptions.Types.BufferedWritableBytesOption,
                let value = channel.bufferedBytes as? Option.Value
            {
                return value
            }
            throw ChannelError.operationUnsupported
        }
    }

    // MARK: From the network, on the loop

    func open() {
        guard state == .idle else { return }
        state = .active
        pipeline.fireChannelRegistered()
        pipeline.fireChannelActive()
    }

    func arrived(_ bytes: ByteBuffer) {
        guard state == .active else { return }
        arrivedBytes.append(bytes)
        handOver()
    }

    /// The peer sends nothing more and reads nothing more.
    func peerEnded() {
        inputHasEnded = true
        handOver()
    }

    func roomMade() { writeFlushed() }

    private func handOver() {
        while state == .active, isReadWanted, !arrivedBytes.isEmpty {
            isReadWanted = false
            let bytes = arrivedBytes.removeFirst()
            pipeline.fireChannelRead(bytes)
            pipeline.fireChannelReadComplete()
            pipeline.read()
        }
        if state == .active, inputHasEnded, arrivedBytes.isEmpty || !isReadWanted {
            inputHasEnded = false
            pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            // Nobody is there to read what would still be written.
            if state == .active { end() }
        }
    }

    // MARK: Writing

    private func writeFlushed() {
        guard state == .active else { return }
        while flushedCount > 0, socket.hasRoom {
            let (bytes, time, promise) = written.removeFirst()
            flushedCount -= 1
            bufferedBytes -= bytes.readableBytes
            if bytes.readableBytes > 0 { socket.send(bytes, written: time) }
            promise?.succeed(())
            guard state == .active else { return }
        }
        if !mayWrite, bufferedBytes < low {
            mayWrite = true
            pipeline.fireChannelWritabilityChanged()
        }
        if outputEnds, written.isEmpty { socket.endFromServer() }
    }

    private func end() {
        guard state != .closed else { return }
        state = .closed
        let rest = written
        written = []
        flushedCount = 0
        bufferedBytes = 0
        for (_, _, promise) in rest { promise?.fail(ChannelError.ioOnClosedChannel) }
        socket.endFromServer()
        pipeline.fireChannelInactive()
        pipeline.fireChannelUnregistered()
        closing.succeed(())
    }
}

extension SimulatedChannel: ChannelCore, NIOTransportAccessibleChannelCore {
    func withUnsafeTransport<Result>(_ body: (CInt) throws -> Result) throws -> Result {
        try body(socket.descriptor)
    }

    func localAddress0() throws -> SocketAddress { throw ChannelError.operationUnsupported }
    func remoteAddress0() throws -> SocketAddress { throw ChannelError.operationUnsupported }
    func register0(promise: EventLoopPromise<Void>?) { promise?.succeed(()) }
    func registerAlreadyConfigured0(promise: EventLoopPromise<Void>?) { promise?.succeed(()) }
    func bind0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }
    func connect0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard state == .active, !outputEnds else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        let bytes = unwrapData(data, as: ByteBuffer.self)
        written.append((bytes, socket.now, promise))
        bufferedBytes += bytes.readableBytes
        if mayWrite, bufferedBytes > high {
            mayWrite = false
            pipeline.fireChannelWritabilityChanged()
        }
    }

    func flush0() {
        flushedCount = written.count
        writeFlushed()
    }

    func read0() {
        isReadWanted = true
        // Not at once: who asks for more is still busy with what came before.
        if !arrivedBytes.isEmpty || inputHasEnded { loop.execute { self.handOver() } }
    }

    func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard state != .closed else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        switch mode {
        case .all:
            end()
        case .output:
            outputEnds = true
            writeFlushed()
        case .input:
            arrivedBytes = []
        }
        promise?.succeed(())
    }

    func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) { promise?.succeed(()) }
    func channelRead0(_ data: NIOAny) {}
    func errorCaught0(error: any Error) { end() }
}
