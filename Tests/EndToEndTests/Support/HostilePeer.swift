// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix

/// A client as one writes it to harm a server: a blocking socket that never reads, with as little room as the system
/// gives.
final class HostilePeer: Sendable {
    struct Failure: Error {
        var call: String
        var number: CInt
    }

    private let descriptor: CInt
    private let thread = NIOThreadPool(numberOfThreads: 1)

    init(port: Int) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var room: CInt = 4096
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<CInt>.size))
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: port)
        let result = address.withSockAddr { connect(descriptor, $0, socklen_t($1)) }
        guard result == 0 else { throw Failure(call: "connect", number: errno) }
        thread.start()
    }

    deinit {
        Glibc.close(descriptor)
        thread.shutdownGracefully { _ in }
    }

    /// Sends all of it, again and again, until `maximum` bytes are sent or the server has ended the connection.
    ///
    /// - Returns: Whether the server has ended it.
    func flood(_ bytes: [UInt8], upTo maximum: Int) async throws -> Bool {
        try await thread.runIfActive { [descriptor] in
            var sent = 0
            while sent < maximum {
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = rest.withUnsafeBytes {
                        Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                    }
                    guard count > 0 else { return true }
                    rest = rest.dropFirst(count)
                    sent += count
                }
            }
            return false
        }
    }
}

extension HostilePeer {
    /// The request that becomes a WebSocket.
    static func handshake(_ path: String) -> [UInt8] {
        let lines = [
            "GET \(path) HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "",
        ]
        return Array(lines.joined(separator: "\r\n").utf8)
    }
}
