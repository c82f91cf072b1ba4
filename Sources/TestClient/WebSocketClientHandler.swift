// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOWebSocket

/// Joins the frames of a server to messages, answers pings and the close frame, and tells the client how it ended.
final class WebSocketClientHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = ByteBuffer

    private let maximumMessageBytes: Int
    private let answersPings: Bool
    private let onMessage: @Sendable (ByteBuffer) -> Void
    private let onPong: @Sendable ([UInt8]) -> Void
    private let onEnd: @Sendable (WebSocketClosure, ClientError?) -> Void
    private var fragments: ByteBuffer?
    private var closure: WebSocketClosure?
    private var failure: ClientError?

    init(
        options: ClientOptions, onMessage: @escaping @Sendable (ByteBuffer) -> Void,
        onPong: @escaping @Sendable ([UInt8]) -> Void,
        onEnd: @escaping @Sendable (WebSocketClosure, ClientError?) -> Void
    ) {
        self.maximumMessageBytes = options.maximumMessageBytes
        self.answersPings = options.answersPings
        self.onMessage = onMessage
        self.onPong = onPong
        self.onEnd = onEnd
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        if closure != nil { return }
        switch frame.opcode {
        case .text, .binary:
            if fragments != nil { return fail(.protocolViolation("a message began inside another"), context) }
            if frame.fin { onMessage(frame.unmaskedData) } else { fragments = frame.unmaskedData }
        case .continuation:
            guard var message = fragments else {
                return fail(.protocolViolation("a continuation without a beginning"), context)
            }
            fragments = nil
            var rest = frame.unmaskedData
            if message.readableBytes + rest.readableBytes > maximumMessageBytes {
                return fail(.messageTooLarge(limit: maximumMessageBytes), context)
            }
            message.writeBuffer(&rest)
            if frame.fin { onMessage(message) } else { fragments = message }
        case .ping:
            if answersPings { send(opcode: 10, Array(buffer: frame.unmaskedData), context) }
        case .pong: onPong(Array(buffer: frame.unmaskedData))
        case .connectionClose:
            var payload = frame.unmaskedData
            let code = payload.readInteger(as: UInt16.self).map(Int.init)
            closure = WebSocketClosure(code: code ?? 1005, reason: String(buffer: payload))
            // The echo, without the reason. The server ends the connection then; the timeout of the system if it does
            // not.
            let echo = code.map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } ?? []
            send(opcode: 8, echo, context)
        default: fail(.protocolViolation("a frame with a reserved opcode"), context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOWebSocketError.invalidFrameLength: fail(.messageTooLarge(limit: maximumMessageBytes), context)
        case is NIOWebSocketError: fail(.protocolViolation("a broken control frame"), context)
        case let error as ClientError: fail(error, context)
        // A connection reset by the server: an end like any other, except that nothing was said.
        default: context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        onEnd(closure ?? .abnormal, failure)
        context.fireChannelInactive()
    }

    private func fail(_ error: ClientError, _ context: ChannelHandlerContext) {
        if failure == nil { failure = error }
        context.close(promise: nil)
    }

    private func send(opcode: UInt8, _ payload: [UInt8], _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(WebSocketFrameBytes(opcode: opcode).encoded(payload)), promise: nil)
    }
}

@available(*, unavailable)
extension WebSocketClientHandler: Sendable {}
