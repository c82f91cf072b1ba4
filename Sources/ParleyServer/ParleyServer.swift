// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import AdminWeb
import Chat
package import Logging
import MTP
package import NIOCore
import NIOPosix
package import ServiceLifecycle
package import Settings
import Storage
package import Transport

/// A server put together from the settings: store, domain, protocols, listeners.
///
/// Adding a protocol is one line in `webSocketRoutes` or `streamListeners`.
package struct ParleyServer: Sendable {
    /// What the command line says beyond the settings.
    package struct Options: Sendable {
        /// The program's version, for the home page.
        package var version: String
        /// How many connections may wait to be accepted.
        package var backlog = 2048
        /// How long an HTTP connection may wait for its next request.
        package var keepAliveTimeout = TimeAmount.seconds(5)
        /// From how many connections or requests on a request gets 503; `nil`: never.
        package var maximumConcurrency: Int?
        /// After how many requests the server ends; `nil`: never.
        package var maximumRequests: Int?
        /// Encryption of the listener.
        package var tls: TLSOptions?
        /// Whether WebSockets are served.
        package var servesWebSockets = true

        /// The defaults.
        package init(version: String) {
            self.version = version
        }
    }

    /// What clients connect to: the protocol's name and its address as a URL.
    package typealias Address = (name: String, address: String)

    /// How long connections in work may go on when the server stops.
    private static let drainTimeout = TimeAmount.seconds(6)

    let settings: Settings
    let options: Options
    let store: Store
    let logger: Logger

    /// Opens the store: makes and migrates an SQLite database, and checks one of PostgreSQL.
    ///
    /// - Throws: `StorageError` that says what is the matter and what to do.
    package init(opening settings: Settings, options: Options, logger: Logger) async throws {
        self.settings = settings
        self.options = options
        self.logger = logger
        store = try await Store.open(settings, create: true, logger: logger)
        do {
            try await store.prepare(logger: logger)
        } catch {
            await store.storage.close()
            throw error
        }
    }

    /// Serves until `stop` is triggered, then lets what is in work finish and closes the store.
    ///
    /// - Parameters:
    ///   - stop: Told the group of services: `triggerGracefulShutdown` ends the server.
    ///   - onRunning: Called once all listeners accept connections, with what they serve.
    /// - Throws: `ListenerError`, `AdminSocketError`, `TLSOptionsError`, `TemplateError`, `CredentialsError`.
    package func run(
        stop: @escaping @Sendable (ServiceGroup) async -> Void,
        onRunning: @escaping @Sendable ([Address]) async -> Void
    ) async throws {
        do {
            try await serve(stop: stop, onRunning: onRunning)
            await store.storage.close()
        } catch {
            await store.storage.close()
            throw error
        }
    }

    private func serve(
        stop: @escaping @Sendable (ServiceGroup) async -> Void,
        onRunning: @escaping @Sendable ([Address]) async -> Void
    ) async throws {
        let chat = try store.makeChat(settings, logger: logger)
        let group = MultiThreadedEventLoopGroup.singleton
        let registry = ConnectionRegistry(
            group: group, inboundBudget: InboundBudget(maximumBytes: settings.limits.inboundBytes))
        let ending = Ending()
        let load = ServerLoad(
            maximumConcurrency: options.maximumConcurrency, maximumRequests: options.maximumRequests,
            onLastRequest: { ending.begin() })
        let start = Announcement(listeners: 1, onRunning)
        let readiness = Readiness(settings: settings, storage: store.storage, ending: ending)
        let startInstant = ContinuousClock.now
        let web = try WebFace(
            status: { [store, options, settings] in
                guard let counts = try? await store.storage.counts() else { return nil }
                return ServerStatus(
                    name: settings.server.name, version: options.version,
                    uptime: startInstant.duration(to: .now), protocols: start.addresses, users: Int(counts.users),
                    flows: Int(counts.flows), messages: Int(counts.messages))
            },
            readiness: { await readiness.checks() }, templatesFolder: settings.templatesFolder, logger: logger)
        var httpOptions = HTTPOptions()
        httpOptions.keepAliveTimeout = options.keepAliveTimeout
        let scheme = options.tls == nil ? "" : "s"
        let http = try Listener(
            .http(
                webSockets: options.servesWebSockets ? webSocketRoutes(chat: chat, registry: registry) : [],
                registry: registry, load: load,
                options: httpOptions, tls: try options.tls?.makeConfiguration()),
            address: listenerAddress, registry: registry, group: group, drainTimeout: Self.drainTimeout, logger: logger,
            responder: web.responder,
            onRunning: { [settings, options] channel in
                let place = "\(settings.server.hostInURL):\(channel.localAddress?.port ?? settings.server.port)"
                var served: [Address] = [("Home page", "http\(scheme)://\(place)/")]
                if options.servesWebSockets { served.append(("MTP", "ws\(scheme)://\(place)\(MTPService.path)")) }
                await start.isRunning(served)
            })
        let admin = try AdminSocketServer(
            path: settings.admin.socket, removesStaleSocket: store.lock != nil, group: group,
            drainTimeout: .seconds(1), logger: logger, handler: AdminFace.handler(chat: chat, logger: logger))
        let services = ServiceGroup(
            // Stopped from the end: first the listeners, last the writer, so that every answer still leaves.
            services: [
                ChatService(chat: chat), Housekeeping(chat: chat, logger: logger), admin,
                ListenerGroup(listeners: [http]),
            ], logger: logger)
        ending.whenBegun { await services.triggerGracefulShutdown() }
        await stop(services)
        try await services.run()
    }

    private var listenerAddress: ListenerAddress {
        var address = ListenerAddress(host: settings.server.host, port: settings.server.port)
        address.backlog = options.backlog
        return address
    }

    private func webSocketRoutes(chat: Chat, registry: ConnectionRegistry) -> [WebSocketRoute] {
        [mtp(chat: chat, registry: registry).route]
    }

    private func mtp(chat: Chat, registry: ConnectionRegistry) -> MTPService {
        var options = MTPService.Options()
        options.messagesPerAnswer = settings.limits.messages
        options.usersPerAnswer = settings.limits.users
        options.frameBytes = settings.limits.frameBytes
        options.requestsInWork = settings.limits.requests
        let versions = settings.apiVersions
        if let oldest = MTPVersion(versions.lowerBound.description),
            let newest = MTPVersion(versions.upperBound.description), oldest <= newest
        {
            options.versions = oldest...newest
        }
        return MTPService(chat: chat, options: options, registry: registry, logger: logger)
    }
}
