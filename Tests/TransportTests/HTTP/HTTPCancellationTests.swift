// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTPTypes
import HummingbirdCore
import NIOCore
import Testing

@testable import Transport

/// A request whose connection is gone is cancelled, and so is one of a peer that seems to be gone.
@Suite(.timeLimit(.minutes(10)))
struct HTTPCancellationTests {
    /// Requests that a test holds up, and what became of them.
    private struct HeldRequests: Sendable {
        enum Step: Equatable { case begun, cancelled, answered }

        private let steps = AsyncStream.makeStream(of: Step.self)
        private let permits = AsyncStream.makeStream(of: Void.self)

        func next() async -> Step? { await steps.stream.first { _ in true } }

        /// Finishes the answer to `/begun`.
        func finish() { permits.continuation.yield() }

        /// Never answers, but for `/begun`.
        var responder: HTTPChannelHandler.Responder {
            { request, writer, _ in
                guard request.uri.path == "/begun" else {
                    steps.continuation.yield(.begun)
                    let never = AsyncStream.makeStream(of: Never.self)
                    for await _ in never.stream {}
                    never.continuation.finish()
                    steps.continuation.yield(.cancelled)
                    return
                }
                let body = ResponseBody { writer in
                    try await writer.write(ByteBuffer(string: "a"))
                    steps.continuation.yield(.begun)
                    let isPermitted = await permits.stream.first { _ in true } != nil
                    steps.continuation.yield(isPermitted ? .answered : .cancelled)
                    try await writer.finish(nil)
                }
                try await writer.write(response: HTTPResponse(status: .ok), body: body)
            }
        }
    }

    private static func resets(_ client: RawClient) async throws {
        let socket = try #require(client.channel as? any SocketOptionProvider)
        try await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await client.channel.close()
    }

    @Test func aRequestIsCancelledWhenItsConnectionBreaks() async throws {
        let requests = HeldRequests()
        var options = TestServer.Options()
        options.responder = requests.responder
        options.http.bodyTimeout = .hours(1)
        try await withTestServer(options) { server in
            try? await withRawClient(port: server.port) { client in
                try await client.send(request: HTTPConnectionTests.get("/held"))
                #expect(await requests.next() == .begun)

                try await Self.resets(client)
            }

            #expect(await requests.next() == .cancelled)
        }
    }

    /// It looks like a peer that has only ended its direction.
    @Test func aRequestOfAPeerThatWentAwayIsCancelledAfterAWhile() async throws {
        let requests = HeldRequests()
        var options = TestServer.Options()
        options.responder = requests.responder
        options.http.bodyTimeout = .milliseconds(50)
        try await withTestServer(options) { server in
            try? await withRawClient(port: server.port) { client in
                try await client.send(request: HTTPConnectionTests.get("/held"))
                #expect(await requests.next() == .begun)
            }

            #expect(await requests.next() == .cancelled)
        }
    }

    @Test func anAnswerThatHasBegunIsFinishedForAHalfClosedPeer() async throws {
        let requests = HeldRequests()
        var options = TestServer.Options()
        options.responder = requests.responder
        options.http.bodyTimeout = .milliseconds(50)
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { reader in
                try await reader.send(request: HTTPConnectionTests.get("/begun"))
                #expect(try await reader.readHead().hasPrefix("HTTP/1.1 200 "))
                #expect(await requests.next() == .begun)
                reader.finishWriting()
                // One that is cut as late as the other would be.
                try await withRawClient(port: server.port) { other in
                    try await other.send(request: HTTPConnectionTests.get("/held"))
                    #expect(await requests.next() == .begun)
                    other.finishWriting()
                    #expect(await requests.next() == .cancelled)
                }

                requests.finish()

                #expect(await requests.next() == .answered)
                #expect(await String(decoding: reader.readToEnd(), as: UTF8.self).hasSuffix("0\r\n\r\n"))
            }
        }
    }
}
