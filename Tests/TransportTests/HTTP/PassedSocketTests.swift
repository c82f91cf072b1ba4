// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Transport

/// A listener on a socket that listens already and that outlives it.
@Suite(.timeLimit(.minutes(10)))
struct PassedSocketTests {
    /// A socket as a service manager has it.
    private final class ListeningSocket {
        let descriptor: CInt
        let port: Int

        init() throws {
            descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
            let descriptor = descriptor
            let isListening = LoopbackAddress.with(port: 0) { address, length in
                bind(descriptor, address, length) == 0 && listen(descriptor, 8) == 0
            }
            port = LoopbackAddress.port(of: descriptor) ?? 0
            try #require(isListening)
        }

        deinit { close(descriptor) }

        /// How many connections may wait: of a socket that listens, Linux tells it in this field.
        var backlog: UInt32? {
            var information = tcp_info()
            var length = socklen_t(MemoryLayout<tcp_info>.size)
            let status = getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_INFO, &information, &length)
            return status == 0 ? information.tcpi_sacked : nil
        }

        var options: TestServer.Options {
            var options = TestServer.Options()
            options.address = ListenerAddress(host: "127.0.0.1", port: port)
            options.address.socket = descriptor
            return options
        }
    }

    @Test func connectionsBeforeEachStartAreAnswered() async throws {
        let socket = try ListeningSocket()

        for _ in 0..<2 {
            try await withRawClient(port: socket.port) { early in
                try await early.send(request: ["GET /early HTTP/1.1", "Host: localhost"])
                try await withTestServer(socket.options) { server in
                    #expect(try await early.readResponse().body == "/early")
                    try await withRawClient(port: server.port) { webSocket in
                        try await webSocket.openWebSocket()
                        await server.stop()
                        #expect(try await webSocket.readFrame().closeCode == 1001)
                    }
                    #expect(await early.readToEnd() == [])
                }
            }
        }
    }

    @Test func queueHasTheLengthThatIsAskedFor() async throws {
        let socket = try ListeningSocket()
        var options = socket.options
        // More than NIO gives it, less than any system's limit.
        options.address.backlog = 200

        try await withTestServer(options) { _ in
            #expect(socket.backlog == 200)
        }
    }

    @Test func checkOfTheAddressesLeavesItAlone() async throws {
        let socket = try ListeningSocket()

        let failure = await ListenerCheck.firstFailure(
            of: [socket.options.address], group: MultiThreadedEventLoopGroup.singleton)

        #expect(failure == nil)
    }
}
