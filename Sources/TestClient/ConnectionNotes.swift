// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import Synchronization

/// What happened on a connection before it was ready, for the error text.
final class ConnectionNotes: Sendable {
    private struct State {
        var firstError: (any Error)?
        var isTimedOut = false
    }

    private let state = Mutex(State())

    /// The error that came first; later ones are usually its consequences.
    var firstError: (any Error)? { state.withLock { $0.firstError } }

    var isTimedOut: Bool {
        get { state.withLock { $0.isTimedOut } }
        set { state.withLock { $0.isTimedOut = newValue } }
    }

    func note(_ error: any Error) {
        state.withLock { state in
            if state.firstError == nil { state.firstError = error }
        }
    }
}

/// Sits after the HTTP decoder during the upgrade: keeps errors, and turns a refusal into one with its status.
final class HandshakeObserver: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let notes: ConnectionNotes

    init(notes: ConnectionNotes) {
        self.notes = notes
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data), head.status != .switchingProtocols {
            notes.note(
                ClientError.handshakeRefused(status: Int(head.status.code), reason: head.status.reasonPhrase))
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        notes.note(error is HTTPParserError ? ClientError.protocolViolation("its answer is not HTTP") : error)
        context.fireErrorCaught(error)
    }
}

@available(*, unavailable)
extension HandshakeObserver: Sendable {}
