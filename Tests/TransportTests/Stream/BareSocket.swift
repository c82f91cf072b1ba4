// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix

/// A client as simple as the old ones: a blocking socket, and one `recv` for what it takes for one unit.
final class BareSocket: Sendable {
    struct Failure: Error {
        var call: String
        var number: CInt
    }

    private let descriptor: CInt
    /// Its own, so that no other socket's waiting delays it.
    private let thread = NIOThreadPool(numberOfThreads: 1)

    /// Connects to a local port; `receiveBytes` is the room that the system is to have for what was not read.
    init(port: Int, receiveBytes: CInt? = nil) throws {
        self.descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        if var bytes = receiveBytes {
            setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<CInt>.size))
        }
        var timeout = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: port)
        let result = address.withSockAddr { connect(self.descriptor, $0, socklen_t($1)) }
        guard result == 0 else { throw Failure(call: "connect", number: errno) }
        self.thread.start()
    }

    deinit {
        Glibc.close(self.descriptor)
        self.thread.shutdownGracefully { _ in }
    }

    private func receiveNow(atMost count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let received = recv(self.descriptor, &bytes, count, 0)
        guard received >= 0 else { throw Failure(call: "recv", number: errno) }
        return Array(bytes[..<received])
    }

    /// One `recv`; empty at the end.
    func receive(atMost count: Int = 1 << 20) async throws -> [UInt8] {
        try await self.thread.runIfActive { try self.receiveNow(atMost: count) }
    }

    /// One `recv` after the other, and when each came.
    func receiveEach(_ count: Int) async throws -> [(text: String, time: NIODeadline)] {
        try await self.thread.runIfActive {
            try (0..<count).map { _ in
                (String(decoding: try self.receiveNow(atMost: 1 << 16), as: UTF8.self), .now())
            }
        }
    }

    func receiveText() async throws -> String {
        String(decoding: try await self.receive(), as: UTF8.self)
    }

    /// How many bytes come until the peer closes.
    func receiveToEnd() async throws -> Int {
        var count = 0
        while case let bytes = try await self.receive(), !bytes.isEmpty { count += bytes.count }
        return count
    }

    func send(_ text: String) throws {
        try self.send(bytes: Array(text.utf8))
    }

    func send(bytes: [UInt8]) throws {
        var bytes = bytes[...]
        while !bytes.isEmpty {
            let sent = bytes.withUnsafeBytes {
                Glibc.send(self.descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw Failure(call: "send", number: errno) }
            bytes = bytes.dropFirst(sent)
        }
    }

    /// Sends no more, reads on.
    func endOutput() {
        shutdown(self.descriptor, CInt(SHUT_WR))
    }
}
