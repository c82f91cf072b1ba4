// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOPosix
import NIOWebSocket

/// Guards an HTTP connection: it admits or refuses requests, watches timeouts, and turns the connection into a
/// WebSocket.
///
/// It stands after the HTTP codec. What serves requests is added after it with the first of them, so that a connection
/// which becomes a WebSocket at once never has it. An upgrade may also come later on a connection, as proxies that
/// reuse theirs send it.
///
/// Ours, because the `HTTPConnectionStateHandler` of HummingbirdCore has one time, that of an idle connection, and
/// closes when told to: it has no admission and no deadlines for head, body and the last answer. NIO's
/// `HTTPServerUpgradeHandler` looks at the first request of a connection only. What serves requests, and the task that
/// waits for them, make 29 KiB of a connection; one that became a WebSocket at once takes 7 (3,000 idle ones of each).
final class HTTPConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// What became of the connection.
    enum Outcome: Sendable {
        /// A request waits for a task to serve it.
        case http(HTTPTail)
        /// Its handlers serve it on the loop.
        case webSocket
        case closed
    }

    enum Mode {
        case http
        /// The head of a handshake is here; its end is awaited.
        case upgrading(HTTPRequestHead, WebSocketRoute)
        /// The last response has been given: nothing more is read.
        case ended
        case webSocket
    }

    /// What serves requests, after this handler.
    enum Tail {
        case none
        /// A task is about to add it; what arrived waits.
        case requested([Waiting])
        case present
    }

    enum Waiting {
        case part(HTTPServerRequestPart)
        case inputClosed
        case failure(any Error)
    }

    let settings: HTTPWebSocketChannel.Settings
    let isSecure: Bool
    let loop: ConnectionLoop
    let encoder: HTTPResponseEncoder
    let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    private var outcome: EventLoopPromise<Outcome>?
    var mode = Mode.http
    var tail = Tail.none
    private var context: ChannelHandlerContext?
    private var hasWithheldRead = false
    var requestsInFlight = 0
    private var isReadingRequest = false
    private var isAnswering = false
    /// The peer has ended its direction: it waits for its answers, or it is gone.
    private var isInputClosed = false
    var closesAfterResponse = false
    private let deadline = ConnectionDeadline()
    /// Where the connection comes from when a trusted proxy has said so at its beginning.
    private(set) var proxiedPeer: SocketAddress?

    init(
        settings: HTTPWebSocketChannel.Settings,
        isSecure: Bool,
        loop: ConnectionLoop,
        encoder: HTTPResponseEncoder,
        decoder: ByteToMessageHandler<HTTPRequestDecoder>,
        outcome: EventLoopPromise<Outcome>
    ) {
        self.settings = settings
        self.isSecure = isSecure
        self.loop = loop
        self.encoder = encoder
        self.decoder = decoder
        self.outcome = outcome
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.add(httpConnection: context.channel)
        self.settings.registry.connectionOpened()
        self.settings.load.connectionOpened()
        let registry = self.settings.registry
        let load = self.settings.load
        context.channel.closeFuture.whenComplete { _ in
            load.connectionClosed()
            registry.connectionClosed()
        }
        self.setDeadline(in: self.settings.options.headTimeout, context: context)
        registry.closeIfShut(context.channel)
        // Who comes through a proxy is known with the request only.
        let isProxy = self.settings.options.proxies.contains(context.channel.remoteAddress)
        let address = isProxy ? nil : context.channel.remoteAddress
        if !registry.admit(context.channel) || !registry.admit(context.channel, from: address) {
            self.mode = .ended
            // Not at once: the pipeline is being built.
            context.eventLoop.execute { [channel = context.channel] in channel.close(promise: nil) }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.leaveHTTP(context: context, outcome: .closed)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.leaveHTTP(context: context, outcome: .closed)
        context.fireChannelInactive()
    }

    func leaveHTTP(context: ChannelHandlerContext, outcome: Outcome) {
        self.deadline.cancel()
        self.settings.load.requestsFinished(self.requestsInFlight)
        self.requestsInFlight = 0
        self.loop.remove(httpConnection: context.channel)
        if case .requested = self.tail { self.tail = .none }
        self.outcome?.succeed(outcome)
        self.outcome = nil
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .webSocket = self.mode { return context.fireChannelRead(data) }
        let part = self.unwrapInboundIn(data)
        switch (self.mode, part) {
        case (.http, .head(var head)):
            self.isReadingRequest = true
            head.keepASCIIFields()
            self.received(head, context: context)
        case (.http, _):
            if case .end = part { self.isReadingRequest = false }
            if self.isReadingRequest {
                self.setDeadline(in: self.settings.options.bodyTimeout, context: context)
            } else if self.requestsInFlight == 0 {
                self.setDeadline(in: self.settings.options.keepAliveTimeout, context: context)
            } else {
                self.deadline.clear()
            }
            self.pass(.part(part), context: context)
        case (.upgrading(let head, let route), .end):
            self.isReadingRequest = false
            self.upgrade(head, to: route, context: context)
        case (.upgrading, _):
            self.respond(.badRequest, text: "A WebSocket handshake has no body.", context: context)
        case (.ended, _), (.webSocket, _):
            break
        }
    }

    private func received(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
        self.deadline.clear()
        // Requests of one connection are served one after another, so only the first adds to the server's work.
        guard self.requestsInFlight > 0 || self.settings.load.admitRequest() else {
            self.respond(.serviceUnavailable, text: "Service Unavailable", context: context)
            return
        }
        guard head.hasASCIIAddress else {
            // Answers of earlier requests are still given, nothing more is.
            guard self.requestsInFlight == 0 else {
                self.mode = .ended
                self.closesAfterResponse = true
                return
            }
            self.settings.load.requestsFinished(1)
            self.respond(.badRequest, text: "The address of a request is ASCII.", context: context)
            return
        }
        let path = head.uri.prefix { $0 != "?" }
        let route = self.settings.routes.first { $0.path == path }
        if !head.isKeepAlive || head.headers.contains(name: "upgrade") || head.method == .CONNECT {
            // The parser stops after a request that asks for another protocol, whether it gets one or not.
            self.closesAfterResponse = true
        }
        guard let route else {
            self.forward(head, context: context)
            return
        }
        self.receivedHandshake(head, for: route, context: context)
    }

    private func forward(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
        if self.requestsInFlight > 0 { self.settings.load.requestJoined() }
        self.requestsInFlight += 1
        self.setDeadline(in: self.settings.options.bodyTimeout, context: context)
        self.pass(.part(.head(self.withClient(head, context: context))), context: context)
    }

    /// Hands `item` to what serves requests, or keeps it and asks for that first.
    private func pass(_ item: Waiting, context: ChannelHandlerContext) {
        switch self.tail {
        case .none:
            self.tail = .requested([item])
            self.outcome?.succeed(.http(HTTPTail(self, eventLoop: context.eventLoop)))
            self.outcome = nil
        case .requested(var items):
            items.append(item)
            self.tail = .requested(items)
        case .present:
            switch item {
            case .part(let part): context.fireChannelRead(self.wrapInboundOut(part))
            case .inputClosed: context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            case .failure(let error): context.fireErrorCaught(error)
            }
        }
    }

    /// Adds what serves requests, for a task that is going to use it: an unused one would trap when it is dropped.
    func addTail() throws -> NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart> {
        guard let context, context.channel.isActive, case .requested(let items) = self.tail else {
            throw ChannelError.ioOnClosedChannel
        }
        try context.pipeline.syncOperations.addHandler(HTTP1ToHTTPServerCodec(secure: self.isSecure))
        let channel = try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(
            wrappingChannelSynchronously: context.channel,
            configuration: .init(isOutboundHalfClosureEnabled: true)
        )
        self.tail = .present
        for item in items { self.pass(item, context: context) }
        context.fireChannelReadComplete()
        if self.hasWithheldRead {
            self.hasWithheldRead = false
            context.read()
        }
        return channel
    }

    func read(context: ChannelHandlerContext) {
        if case .requested = self.tail {
            self.hasWithheldRead = true
        } else {
            context.read()
        }
    }

    // MARK: Responses

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch self.unwrapOutboundIn(data) {
        case .head(var head):
            if head.status.code >= 200 {
                self.isAnswering = true
                if self.isInputClosed { self.deadline.clear() }
                if self.closesAfterResponse && self.requestsInFlight <= 1 {
                    head.headers.replaceOrAdd(name: "Connection", value: "close")
                }
            }
            context.write(self.wrapOutboundOut(.head(head)), promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            context.write(data, promise: promise)
            self.isAnswering = false
            guard self.requestsInFlight > 0 else { return }
            self.requestsInFlight -= 1
            self.settings.load.requestsFinished(1)
            guard self.requestsInFlight == 0 else { return self.limitWaitWithoutInput(context: context) }
            if self.closesAfterResponse {
                self.mode = .ended
                self.endOutput(context: context)
            } else if !self.isReadingRequest {
                self.setDeadline(in: self.settings.options.keepAliveTimeout, context: context)
            }
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output {
            self.mode = .ended
            self.setDeadline(in: self.settings.options.lingerTimeout, context: context)
        }
        context.close(mode: mode, promise: promise)
    }

    /// Answers by itself, and ends the connection.
    func respond(
        _ status: HTTPResponseStatus,
        headers: [(String, String)] = [],
        text: String,
        context: ChannelHandlerContext
    ) {
        self.mode = .ended
        var fields = HTTPHeaders(headers)
        fields.add(name: "Content-Type", value: "text/plain; charset=utf-8")
        fields.add(name: "Content-Length", value: String(text.utf8.count))
        fields.add(name: "Connection", value: "close")
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: fields)
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        context.write(self.wrapOutboundOut(.end(nil)), promise: nil)
        self.endOutput(context: context)
    }

    /// Closes our direction when all is sent; the peer's is read until it ends or the time is over, because a system
    /// that closes with bytes unread sends a reset, which can overtake the response.
    private func endOutput(context: ChannelHandlerContext) {
        self.setDeadline(in: self.settings.options.lingerTimeout, context: context)
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolatedUnsafeUnchecked().whenComplete { _ in
            context.close(mode: .output, promise: nil)
        }
        context.writeAndFlush(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer()))), promise: promise)
    }

    // MARK: Events

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let proxied as ProxiedPeer:
            self.proxiedPeer = proxied.address
        case is ChannelShouldQuiesceEvent:
            self.closesAfterResponse = true
            switch self.mode {
            case .http where self.requestsInFlight == 0, .upgrading: context.close(promise: nil)
            default: break
            }
        case ChannelEvent.inputClosed:
            self.closesAfterResponse = true
            switch self.mode {
            case .http where self.requestsInFlight > 0, .ended where self.requestsInFlight > 0:
                self.isInputClosed = true
                self.limitWaitWithoutInput(context: context)
                self.pass(.inputClosed, context: context)
            default:
                context.close(promise: nil)
            }
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError, case .http = self.mode else {
            context.fireErrorCaught(error)
            context.close(promise: nil)
            return
        }
        if self.requestsInFlight > 0 {
            self.mode = .ended
            self.closesAfterResponse = true
            if self.isReadingRequest { self.pass(.failure(error), context: context) }
        } else if error as? HTTPParserError == .headerOverflow {
            self.respond(
                .requestHeaderFieldsTooLarge, text: "The header of the request is too large.", context: context)
        } else {
            self.respond(.badRequest, text: "This is not an HTTP/1.1 request.", context: context)
        }
    }

    /// A peer that is gone looks like one that has only ended its direction, so that one does not wait for long until
    /// an answer begins.
    private func limitWaitWithoutInput(context: ChannelHandlerContext) {
        guard self.isInputClosed, !self.isAnswering else { return }
        self.setDeadline(in: self.settings.options.bodyTimeout, context: context)
    }

    func setDeadline(in time: TimeAmount, context: ChannelHandlerContext) {
        self.deadline.set(in: time, context: context)
    }
}

@available(*, unavailable)
extension HTTPConnectionHandler: Sendable {}
