// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore
import NIOPosix

/// The client's end of the admin socket.
package struct AdminSocketClient: Sendable {
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    /// What the server sends, line by line, in order; ends when the server closes.
    ///
    /// It can be iterated once.
    package let replies: Replies

    /// Sends one request line of JSON, without its final `\n`.
    ///
    /// - Parameter line: At most 16 MiB.
    /// - Throws: `AdminSocketError` with code `disconnected` or `lineTooLong`.
    package func send(_ line: [UInt8]) async throws(AdminSocketError) {
        guard line.count <= LineDecoder.maximumLineBytes else {
            throw AdminSocketError(.lineTooLong, "The request has \(line.count) bytes; the server takes up to 16 MiB.")
        }
        do {
            try await self.outbound.write(ByteBuffer(adminLine: line))
        } catch {
            throw AdminSocketError(.disconnected, "The server closed the admin socket.")
        }
    }

    /// The lines that the server sends.
    package struct Replies: AsyncSequence, Sendable {
        fileprivate let inbound: NIOAsyncChannelInboundStream<ByteBuffer>

        /// Hands over one line after the other.
        package struct AsyncIterator: AsyncIteratorProtocol {
            fileprivate var base: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator

            /// The next line without its `\n`; `nil` when the server has closed.
            package mutating func next() async throws -> [UInt8]? {
                try await self.base.next().map { Array($0.readableBytesView) }
            }
        }

        /// Begins to hand over the lines.
        package func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(base: self.inbound.makeAsyncIterator())
        }
    }

    /// Connects to the server at `path` around `body`, and closes the connection afterwards, which cancels what is in
    /// flight.
    ///
    /// - Throws: `AdminSocketError`, with code `notRunning` when there is no socket or no server listens on it,
    ///   `notAllowed` when the socket, its folder or the server belong to a system account that is not to be trusted,
    ///   and what `body` throws.
    package static func connect<Result: Sendable>(
        path: String,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        _ body: @escaping @Sendable (AdminSocketClient) async throws -> Result
    ) async throws -> Result {
        let place = try AdminSocketPath(path)
        let path = place.path
        let owner = try place.trustedOwner(for: geteuid())
        let connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        do {
            connection = try await ClientBootstrap(group: group).connect(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(LineDecoder()))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        } catch {
            throw Self.failure(error, path: path)
        }
        return try await connection.executeThenClose { inbound, outbound in
            let peer = await PeerCredentials.of(connection.channel)
            // The kernel's word on who listens counts; a socket of root's may have been bound for another user.
            guard let peer, peer.isTrusted(by: owner ?? geteuid()) else {
                throw AdminSocketError(
                    .notAllowed,
                    "The server listening on '\(path)' belongs to another user. Run the command as that user or as "
                        + "root."
                )
            }
            return try await body(AdminSocketClient(outbound: outbound, replies: Replies(inbound: inbound)))
        }
    }

    /// What the system says of `error`, after a colon.
    private static func reason(_ error: any Error) -> String {
        guard let error = error as? IOError, let text = strerror(error.errnoCode) else { return "" }
        return ": " + String(cString: text)
    }

    private static func failure(_ error: any Error, path: String) -> AdminSocketError {
        switch (error as? IOError)?.errnoCode {
        case ECONNREFUSED, ENOENT, ENOTDIR:
            AdminSocketError(.notRunning, "No server is listening on the admin socket '\(path)'.")
        case EACCES, EPERM:
            AdminSocketError(
                .notAllowed,
                "This user may not use the admin socket '\(path)'. Run the command as the server's user or as root."
            )
        default:
            AdminSocketError(.failed, "Cannot connect to the admin socket '\(path)'\(reason(error)).")
        }
    }
}
