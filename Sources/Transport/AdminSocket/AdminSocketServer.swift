// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Logging
package import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Answers one request line of a peer: calls `send` for each line of the answer and returns when it is complete.
///
/// The task is cancelled when the client goes away. Lines are JSON without their final `\n`, up to 16 MiB.
package typealias AdminRequestHandler =
    @Sendable (_ line: [UInt8], _ peer: PeerCredentials, _ send: @escaping @Sendable (_ line: [UInt8]) async -> Void)
    async -> Void

/// The admin socket of a running server: JSON lines over a Unix socket, for processes of the same user and root only.
///
/// A connection may send several requests; they are answered one after the other.
package final class AdminSocketServer: Service {
    private let path: AdminSocketPath
    private let removesStaleSocket: Bool
    private let group: any EventLoopGroup
    private let drainTimeout: TimeAmount
    private let logger: Logger
    private let onRunning: @Sendable () async -> Void
    private let handler: AdminRequestHandler
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])
    private let claim = Mutex<(descriptor: Int32, identity: AdminSocketPath.Identity)?>(nil)

    /// Creates the service; it takes the path in ``claimPath()``, or at the latest in ``run()``.
    ///
    /// - Parameters:
    ///   - path: Where the socket will be; its folder is made with mode 0700 when it is missing.
    ///   - removesStaleSocket: Whether to remove a socket that no server listens on. Say `true` only while holding the
    ///     database's
    ///     lock, which shows that no other server is just starting.
    ///   - group: Runs the connections.
    ///   - drainTimeout: How long requests in flight may go on when the server stops.
    ///   - logger: Told about refused peers and broken connections.
    ///   - onRunning: Called when clients can connect.
    ///   - handler: Answers the requests.
    /// - Throws: `AdminSocketError` with code `pathTooLong` above 107 bytes.
    package init(
        path: String,
        removesStaleSocket: Bool,
        group: any EventLoopGroup,
        drainTimeout: TimeAmount,
        logger: Logger,
        onRunning: @escaping @Sendable () async -> Void = {},
        handler: @escaping AdminRequestHandler
    ) throws(AdminSocketError) {
        self.path = try AdminSocketPath(path)
        self.removesStaleSocket = removesStaleSocket
        self.group = group
        self.drainTimeout = drainTimeout
        self.logger = logger
        self.onRunning = onRunning
        self.handler = handler
    }

    /// Takes the path, on which no client can connect before ``run()``, which must follow.
    package func claimPath() throws(AdminSocketError) {
        let taken = try self.path.bind(removingStaleSocket: self.removesStaleSocket)
        self.claim.withLock { $0 = taken }
    }

    /// Serves until a graceful shutdown, which lets the requests in flight finish; then removes the socket.
    package func run() async throws {
        let claimed = self.claim.withLock { claim in
            defer { claim = nil }
            return claim
        }
        let (descriptor, identity) = try claimed ?? self.path.bind(removingStaleSocket: self.removesStaleSocket)
        defer { self.path.remove(identity) }
        // Nothing is read until a task serves the connection: one that is not served must not have begun.
        let listener = try await ServerBootstrap(group: self.group)
            .childChannelOption(.autoRead, value: false)
            .bind(descriptor, cleanupExistingSocketFile: false) { channel in
                self.register(channel)
                return channel.eventLoop.makeSucceededFuture(channel)
            }
        defer { self.closeConnections() }
        let channel = listener.channel
        await channel.pauseAfterFailedAccepts()
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                await self.onRunning()
                try await self.serve(listener)
            } onGracefulShutdown: {
                channel.close(promise: nil)
                channel.eventLoop.scheduleTask(in: self.drainTimeout) { self.closeConnections() }
            }
        } onCancel: {
            channel.close(promise: nil)
            self.closeConnections()
        }
    }

    private func register(_ channel: any Channel) {
        self.channels.withLock { $0[ObjectIdentifier(channel)] = channel }
        channel.closeFuture.whenComplete { _ in
            self.channels.withLock { $0[ObjectIdentifier(channel)] = nil }
        }
    }

    private func serve(_ listener: NIOAsyncChannel<any Channel, Never>) async throws {
        try await withThrowingDiscardingTaskGroup { tasks in
            try await listener.executeThenClose { connections in
                for try await connection in connections {
                    tasks.addTask { await self.serve(connection) }
                }
            }
        }
    }

    private func serve(_ channel: any Channel) async {
        do {
            let connection = try await channel.eventLoop.submit {
                guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
                try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(LineDecoder()))
                let connection = try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                try channel.syncOptions?.setOption(.autoRead, value: true)
                return connection
            }.get()
            try await connection.executeThenClose { inbound, outbound in
                let peer = await PeerCredentials.of(channel)
                guard let peer, peer.isTrusted(by: geteuid()) else {
                    self.logger.warning(
                        "Refused a process of another user on the admin socket",
                        metadata: ["admin.peer.uid": "\(peer.map { String($0.userID) } ?? "unknown")"]
                    )
                    return
                }
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask { await channel.closed() }
                    tasks.addTask {
                        for try await line in inbound.cancelOnGracefulShutdown() {
                            await self.answer(
                                Array(line.readableBytesView), of: peer, channel: channel, outbound: outbound)
                            if Task.isShuttingDownGracefully { break }
                        }
                    }
                    // Whichever ends first ends the other: a closed connection cancels the request in flight.
                    defer { tasks.cancelAll() }
                    try await tasks.next()
                }
            }
        } catch let error as AdminSocketError {
            self.logger.warning("Closed a connection of the admin socket", metadata: ["error": "\(error)"])
        } catch {
            self.logger.debug("A connection of the admin socket ended", metadata: ["error": "\(error)"])
        }
    }

    private func answer(
        _ line: [UInt8],
        of peer: PeerCredentials,
        channel: any Channel,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async {
        await self.handler(line, peer) { [logger] reply in
            guard reply.count <= LineDecoder.maximumLineBytes else {
                logger.error(
                    "An answer on the admin socket is too long, the connection is closed",
                    metadata: ["admin.answer.bytes": "\(reply.count)"]
                )
                channel.close(promise: nil)
                return
            }
            // A peer that went away needs no answer; the task is cancelled for it already.
            try? await outbound.write(ByteBuffer(adminLine: reply))
        }
    }

    private func closeConnections() {
        for channel in self.channels.withLock({ Array($0.values) }) { channel.close(promise: nil) }
    }
}
