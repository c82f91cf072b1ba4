// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// What a server answered to one HTTP request.
package struct HTTPAnswer: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    /// The body as text.
    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The first header with a name, whatever its case.
    package subscript(header name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// One HTTP request per connection: enough for `/`, `/livez` and `/readyz`.
package enum HTTPClient {
    /// Asks for the page at `http://…` or `https://…`.
    package static func get(
        _ url: String, accept: String = "*/*", options: ClientOptions = ClientOptions()
    ) async throws(ClientError) -> HTTPAnswer {
        let address = try ClientAddress(url: url, schemes: ["http", "https"])
        var headers = HTTPHeaders([("Host", address.authority), ("Accept", accept), ("Connection", "close")])
        for header in options.headers { headers.add(name: header.name, value: header.value) }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: address.path, headers: headers)
        let limit = options.maximumMessageBytes
        return try await ClientConnector(address: address, options: options).connect { channel, notes in
            let promise = channel.eventLoop.makePromise(of: HTTPAnswer.self)
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHTTPClientHandlers()
            try pipeline.addHandler(
                HTTPExchangeHandler(request: head, maximumBodyBytes: limit, notes: notes, promise: promise))
            return promise.futureResult
        }
    }
}

/// Sends one request and collects its answer.
final class HTTPExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let request: HTTPRequestHead
    private let maximumBodyBytes: Int
    private let notes: ConnectionNotes
    private let promise: EventLoopPromise<HTTPAnswer>
    private var answer: HTTPAnswer?

    init(
        request: HTTPRequestHead, maximumBodyBytes: Int, notes: ConnectionNotes, promise: EventLoopPromise<HTTPAnswer>
    ) {
        self.request = request
        self.maximumBodyBytes = maximumBodyBytes
        self.notes = notes
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(request)), promise: nil)
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
