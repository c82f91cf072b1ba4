// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HummingbirdCore
import Logging
import NIOCore
import NIOExtras
import NIOPosix
import ServiceLifecycle

/// Accepts connections on a socket that listens already, as `HummingbirdCore.Server` does on one that it binds.
///
/// It takes a copy of the descriptor: the socket goes on to listen while the connections drain and after that, and
/// clients wait in its queue for the next start.
struct PassedSocketServer<Child: ServerChildChannel>: Service {
    let child: Child
    let socket: CInt
    let backlog: Int
    let group: any EventLoopGroup
    let logger: Logger
    let onRunning: @Sendable (any Channel) async -> Void

    func run() async throws {
        let copy = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw IOError(errnoCode: errno, reason: "dup") }
        let quiescing = ServerQuiescingHelper(group: group)
        let server = try await ServerBootstrap(group: group)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(quiescing.makeServerChannelHandler(channel: channel))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .bind(copy) { channel in self.child.setup(channel: channel, logger: self.logger) }
        // NIO has cut the queue to 128.
        if listen(socket, CInt(clamping: backlog)) != 0 {
            logger.warning("The queue of a passed socket could not be set", metadata: ["backlog": "\(backlog)"])
        }
        await withGracefulShutdownHandler {
            await onRunning(server.channel)
            await serve(server)
        } onGracefulShutdown: {
            quiescing.initiateShutdown(promise: nil)
        }
    }

    private func serve(_ server: NIOAsyncChannel<Child.Value, Never>) async {
        await withDiscardingTaskGroup { tasks in
            do {
                try await server.executeThenClose { connections in
                    for try await connection in connections {
                        tasks.addTask { await self.child.handle(value: connection, logger: self.logger) }
                    }
                }
            } catch {
                logger.error("A passed socket accepts no more", metadata: ["error": "\(String(reflecting: error))"])
            }
        }
    }
}

extension ServerChildChannel {
    /// Serves connections of this kind at an address; `onRunning` gets the socket that listens there.
    func service(
        at address: ListenerAddress, group: any EventLoopGroup, logger: Logger,
        onRunning: @escaping @Sendable (any Channel) async -> Void
    ) -> any Service {
        let onRunning = { @Sendable (channel: any Channel) in
            await channel.pauseAfterFailedAccepts()
            await onRunning(channel)
        }
        guard let socket = address.socket else {
            return server(
                configuration: address.serverConfiguration, onServerRunning: onRunning, eventLoopGroup: group,
                logger: logger)
        }
        return PassedSocketServer(
            child: self, socket: socket, backlog: address.backlog, group: group, logger: logger, onRunning: onRunning)
    }
}
