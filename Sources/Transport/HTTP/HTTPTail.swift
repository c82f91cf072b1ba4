// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTPTypes

/// Lets a task begin to serve the requests of a connection.
struct HTTPTail: Sendable {
    private let handler: NIOLoopBound<HTTPConnectionHandler>
    private let eventLoop: any EventLoop

    init(_ handler: HTTPConnectionHandler, eventLoop: any EventLoop) {
        self.handler = NIOLoopBound(handler, eventLoop: eventLoop)
        self.eventLoop = eventLoop
    }

    /// The requests and where the responses go; throws when the connection is gone.
    func open() async throws -> NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart> {
        try await self.eventLoop.submit { try self.handler.value.addTail() }.get()
    }
}
