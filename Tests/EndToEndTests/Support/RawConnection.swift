// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import TestClient

/// A TCP connection on which a test writes what it likes.
struct RawConnection: Sendable {
    private let channel: any Channel
    /// What the server has sent.
    let received: TextLog

    init(to server: RunningServer) async throws {
        let address = try ClientAddress(url: server.httpURL)
        try await self.init(host: address.host, port: address.port)
    }

    init(host: String = "127.0.0.1", port: Int) async throws {
        let received = TextLog()
        self.received = received
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(TextLogReader(received))
                }
            }
            .connect(host: host, port: port).get()
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    /// Asks for a page, and waits for the first line of the answer.
    func get(_ path: String) async throws -> String? {
        let firstLine = received.lineCount
        try await send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
        // The page before need not have ended with a line end.
        let line = await received.line(from: firstLine) { $0.contains("HTTP/1.1 ") }
        return line?.firstRange(of: "HTTP/1.1 ").map { range in String(line?[range.lowerBound...] ?? "") }
    }

    /// Waits until the server has closed it.
    func ended() async {
        try? await channel.closeFuture.get()
    }

    func close() async {
        try? await channel.close()
    }
}
