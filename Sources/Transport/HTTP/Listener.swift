// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
package import HummingbirdCore
package import Logging
package import NIOCore
package import ServiceLifecycle

/// Where to listen, and with which queue.
package struct ListenerAddress: Sendable {
    /// Host name or address.
    package var host: String
    /// Port; 0 lets the system choose.
    package var port: Int
    /// How many connections may wait to be accepted (`--backlog`).
    ///
    /// Default: 2048.
    package var backlog = 2048
    /// The socket that listens there already, as a service manager passes one; `nil`: one is bound.
    ///
    /// It stays open: what accepts has a copy.
    package var socket: CInt?

    /// An address with the default queue.
    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    var serverConfiguration: ServerConfiguration {
        ServerConfiguration(address: .hostname(self.host, port: self.port), backlog: self.backlog)
    }
}

/// Why a listener could not start.
package struct ListenerError: Error, CustomStringConvertible {
    /// What is the matter, for branching.
    package enum Code: Sendable {
        /// Another program listens there.
        case addressInUse
        /// The system does not let this user listen there.
        case notAllowed
        /// The host is not an address of this machine, or is unknown.
        case addressNotAvailable
        /// Anything else.
        case failed
    }

    /// What is the matter, for branching.
    package let code: Code
    /// What failed and how to remedy it.
    package let message: String
    /// What the system said.
    package let cause: any Error
    /// Same as ``message``.
    package var description: String { self.message }

    init(_ cause: any Error, address: ListenerAddress) {
        let place = "\(address.host):\(address.port)"
        self.cause = cause
        switch (cause as? IOError)?.errnoCode {
        case EADDRINUSE:
            self.code = .addressInUse
            self.message = """
                Port \(address.port) on \(address.host) is in use. Stop the other program or choose another port.
                """
        case EACCES, EPERM:
            self.code = .notAllowed
            self.message = """
                This user may not listen on \(place). Choose a port from 1024 on, or allow it in the system.
                """
        case EADDRNOTAVAIL:
            self.code = .addressNotAvailable
            self.message = "\(address.host) is not an address of this machine. Choose one that is, or 0.0.0.0 for all."
        default:
            if cause is SocketAddressError {
                self.code = .addressNotAvailable
                self.message = "The host name \(address.host) is unknown. Correct it, or give an address."
            } else {
                self.code = .failed
                let reason = (cause as? IOError).flatMap { strerror($0.errnoCode) }.map { String(cString: $0) }
                self.message = """
                    Cannot listen on \(place)\(reason.map { ": \($0)" } ?? ""). Choose another address or port.
                    """
            }
        }
    }
}

/// A server socket and all that it accepts, as a service.
///
/// With a graceful shutdown it accepts no more; HTTP requests in flight are finished, sessions are drained. It ends
/// when every connection of the registry is closed; those that are open after the timeout are cut. So several listeners
/// must stop at the same time: run them as one ``ListenerGroup``.
package struct Listener: Service {
    private let address: ListenerAddress
    private let server: any Service
    private let registry: ConnectionRegistry
    private let eventLoop: any EventLoop
    private let drainTimeout: TimeAmount

    /// Creates a listener; it binds in ``run()``.
    ///
    /// `serving` is what to serve, as from `HTTPServing.http(webSockets:registry:load:options:tls:)`; `responder`
    /// answers HTTP requests; a graceful shutdown may take `drainTimeout`; `onRunning` is called with the server socket
    /// once it listens; the local address of one that was bound has the port. Throws what BoringSSL says when the TLS
    /// of `serving` cannot be used.
    package init(
        _ serving: HTTPServing,
        address: ListenerAddress,
        registry: ConnectionRegistry,
        group: any EventLoopGroup,
        drainTimeout: TimeAmount,
        logger: Logger,
        responder: @escaping HTTPChannelHandler.Responder,
        onRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) throws {
        let server = try serving.makeChannel(responder)
            .service(at: address, group: group, logger: logger, onRunning: onRunning)
        self.init(server: server, address: address, registry: registry, group: group, drainTimeout: drainTimeout)
    }

    init(
        server: any Service,
        address: ListenerAddress,
        registry: ConnectionRegistry,
        group: any EventLoopGroup,
        drainTimeout: TimeAmount
    ) {
        self.address = address
        self.server = server
        self.registry = registry
        self.eventLoop = group.any()
        self.drainTimeout = drainTimeout
    }

    /// Listens until a graceful shutdown or cancellation, then until all connections are closed.
    ///
    /// - Throws: ``ListenerError`` when the address cannot be had.
    package func run() async throws {
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                do {
                    try await self.server.run()
                } catch let error as CancellationError {
                    throw error
                } catch {
                    throw ListenerError(error, address: self.address)
                }
                await self.registry.allClosed()
            } onGracefulShutdown: {
                let registry = self.registry
                self.eventLoop.scheduleTask(in: self.drainTimeout) { registry.closeAll() }
            }
        } onCancel: {
            self.registry.closeAll()
        }
    }
}

/// Several listeners as one service: they share a registry, so they stop accepting and drain at the same time.
package struct ListenerGroup: Service {
    private let listeners: [any Service]

    /// Listeners, or services that run one; nothing is bound before ``run()``.
    package init(_ listeners: [any Service]) {
        self.listeners = listeners
    }

    /// Runs all of them until a graceful shutdown or cancellation; when one fails, all end.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for listener in listeners { group.addTask { try await listener.run() } }
            try await group.waitForAll()
        }
    }
}

extension Channel {
    /// Lets a server's socket pause for a second when the system gives no descriptor: the waiting client is reported at
    /// once and again, which would take a processor.
    func pauseAfterFailedAccepts() async {
        try? await self.eventLoop.submit {
            try self.pipeline.syncOperations.addHandler(AcceptBackoffHandler(), position: .first)
        }.get()
    }
}
