// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import Synchronization

/// What a server answered to one HTTP request.
package struct HTTPAnswer: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The first header with a name, whatever its case.
    package subscript(header name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// A request of HTTP.
package struct HTTPCall: Sendable {
    package var method: String
    /// `http://…` or `https://…`.
    package var url: String
    package var headers: [(name: String, value: String)]
    /// `nil` for none.
    package var body: [UInt8]?

    package init(
        _ method: String, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

/// One HTTP request per connection; redirects are not followed.
package enum HTTPClient {
    /// Asks for the page at `http://…` or `https://…`.
    package static func get(
        _ url: String, accept: String = "*/*", options: ClientOptions = ClientOptions()
    ) async throws(ClientError) -> HTTPAnswer {
        try await send(HTTPCall("GET", url, headers: [("Accept", accept)] + options.headers), options: options)
    }

    /// Sends a request; a cancelled task closes its connection.
    ///
    /// - Throws: `ClientError`; `.cancelled` when the task was cancelled.
    package static func send(_ call: HTTPCall, options: ClientOptions) async throws(ClientError) -> HTTPAnswer {
        let address = try ClientAddress(url: call.url, schemes: ["http", "https"])
        var headers = HTTPHeaders([("Host", address.authority), ("Connection", "close")])
        for header in call.headers { headers.add(name: header.name, value: header.value) }
        if let body = call.body { headers.replaceOrAdd(name: "Content-Length", value: "\(body.count)") }
        let head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: call.method), uri: address.path, headers: headers)
        let limit = options.maximumMessageBytes
        let opened = OpenedChannel()
        let result: Result<HTTPAnswer, ClientError> = await withTaskCancellationHandler {
            do throws(ClientError) {
                return .success(
                    try await ClientConnector(address: address, options: options).connect { channel, notes in
                        opened.set(channel)
                        let promise = channel.eventLoop.makePromise(of: HTTPAnswer.self)
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHTTPClientHandlers()
                        try pipeline.addHandler(
                            HTTPExchangeHandler(
                                request: head, body: call.body, maximumBodyBytes: limit, notes: notes,
                                promise: promise))
                        return promise.futureResult
                    })
            } catch {
                return .failure(Task.isCancelled ? .cancelled : error)
            }
        } onCancel: {
            opened.close()
        }
        return try result.get()
    }
}

/// The connection of a request, so that it can be closed from outside, also before it is there.
private final class OpenedChannel: Sendable {
    private struct State {
        var channel: (any Channel)?
        var isClosed = false
    }

    private let state = Mutex(State())

    func set(_ channel: any Channel) {
        let isClosed = state.withLock { state in
            state.channel = channel
            return state.isClosed
        }
        if isClosed { channel.close(promise: nil) }
    }

    func close() {
        let channel = state.withLock { state in
            state.isClosed = true
            return state.channel
        }
        channel?.close(promise: nil)
    }
}

/// Sends one request and collects its answer.
final class HTTPExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let request: HTTPRequestHead
    private let body: [UInt8]?
    private let maximumBodyBytes: Int
    private let notes: ConnectionNotes
    private let promise: EventLoopPromise<HTTPAnswer>
    private var answer: HTTPAnswer?

    init(
        request: HTTPRequestHead, body: [UInt8]?, maximumBodyBytes: Int, notes: ConnectionNotes,
        promise: EventLoopPromise<HTTPAnswer>
    ) {
        self.request = request
        self.body = body
        self.maximumBodyBytes = maximumBodyBytes
        self.notes = notes
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(request)), promise: nil)
        if let body {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            answer = HTTPAnswer(
                status: Int(head.status.code), headers: head.headers.map { ($0.name, $0.value) }, body: [])
        case .body(let part):
            guard (answer?.body.count ?? 0) + part.readableBytes <= maximumBodyBytes else {
                // The rest of this read still comes here: it must not complete the answer.
                answer = nil
                // Before the parser notes that the connection was closed in the middle.
                notes.note(ClientError.messageTooLarge(limit: maximumBodyBytes))
                promise.fail(ClientError.messageTooLarge(limit: maximumBodyBytes))
                context.close(promise: nil)
                return
            }
            answer?.body.append(contentsOf: part.readableBytesView)
        case .end:
            if let answer { promise.succeed(answer) }
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        notes.note(error is HTTPParserError ? ClientError.protocolViolation("its answer is not HTTP") : error)
        context.close(promise: nil)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        // After an answer this has no effect.
        promise.fail(ChannelError.eof)
    }
}

@available(*, unavailable)
extension HTTPExchangeHandler: Sendable {}
