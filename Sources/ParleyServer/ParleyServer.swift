// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import AdminAPI
import Archive
package import Chat
package import Logging
package import NIOCore
import NIOPosix
import NIOSSL
import Operations
package import ServiceLifecycle
package import Settings
import Storage
package import Telemetry
package import Transport
import Web

/// A server put together from the settings: store, domain, protocols, listeners.
///
/// Adding a protocol is one line in `webSocketRoutes` or `streamEndpoints`.
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
        /// What the server does for people.
        package var mode = ServiceMode.normal
        /// How long the server may take to stop, beside what the settings ask for, before it ends the process; `nil`:
        /// as long as it needs.
        package var stopTimeout: Duration?
        /// Told how the server is; `nil`: nothing wants to know.
        package var serviceManager: ServiceManager?
        /// The listeners that listen already; the settings must have their addresses.
        package var sockets = PassedSockets()
        /// Where it is counted what only `/metrics` shows.
        package var metrics = MetricRegistry()
        /// The log of the process, which counts its messages.
        package var logSink: LogSink?
        /// Where the settings can be read again; `nil`: nowhere.
        package var settingsSource: SettingsReloader.Source?
        /// Asks for the settings to be read again, as by SIGHUP.
        package var reloadRequests: AsyncStream<Void>?

        package init(version: String) {
            self.version = version
        }

        /// Whether there are WebSockets, and with them the chat for browsers.
        var opensWebSockets: Bool { servesWebSockets && mode != .maintenance }
    }

    /// What clients connect to: the protocol's name and its address as a URL.
    package typealias Address = (name: String, address: String)

    /// How long connections in flight may go on when the listeners stop.
    private var drainTimeout: TimeAmount { .seconds(6) + TimeAmount(settings.server.stopSpread) }

    let settings: Settings
    let options: Options
    let store: Store
    let logger: Logger
    let live: LiveSettings
    /// How long a stop takes because the settings say so.
    private let stopTime: Duration
    private let deadline: StopDeadline?

    /// Opens the store: makes and migrates an SQLite database, and checks one of PostgreSQL.
    ///
    /// - Throws: `StorageError` that says what is the matter and what to do; `TLSOptionsError`.
    package init(opening settings: Settings, options: Options, logger: Logger) async throws {
        self.settings = settings
        self.options = options
        self.logger = logger
        stopTime = settings.server.stopDelay + settings.server.stopSpread
        deadline = options.stopTimeout.map { [stopTime] in StopDeadline($0 + stopTime, logger: logger) }
        live = try LiveSettings(settings, tls: options.tls)
        store = try await Store.open(
            settings, create: true, observer: Metrics.queries(options.metrics), logger: logger)
        do {
            try await store.prepare(reportingTo: options.serviceManager, logger: logger)
        } catch {
            await store.close()
            throw error
        }
    }

    /// Puts the server together, as services in the order of their dependence: a group stops them from the end.
    ///
    /// When they stop in order, the first closes the store; after a failure, here or of a service, `close` does.
    ///
    /// - Parameters:
    ///   - stop: Asked after the last request that is allowed; it runs in the same group.
    ///   - onRunning: Called once all listeners accept connections, with what they serve.
    /// - Returns: The services.
    /// - Throws: `ListenerError`, `AdminSocketError`, `TLSOptionsError`, `TemplateError`, `CredentialsError`.
    package func services(
        stop: StopRequest, onRunning: @escaping @Sendable ([Address]) async -> Void
    ) async throws -> [ServiceGroupConfiguration.ServiceConfiguration] {
        try await store.warnOfMissingKeyFile(settings, logger: logger)
        let chat = try store.makeChat(settings, mode: options.mode, metrics: options.metrics, logger: logger)
        let group = MultiThreadedEventLoopGroup.singleton
        var webSocketLimits = ConnectionRegistry.WebSocketLimits()
        webSocketLimits.outboundBytes = settings.limits.outboundBytes
        let registry = ConnectionRegistry(
            group: group, inboundBudget: InboundBudget(maximumBytes: settings.limits.inboundBytes),
            limits: webSocketLimits, peers: PeerLimits(settings.limits), frameLog: FrameLog(logger),
            drainSpread: TimeAmount(settings.server.stopSpread))
        let load = ServerLoad(
            maximumConcurrency: options.maximumConcurrency, maximumRequests: options.maximumRequests,
            onLastRequest: { stop.begin() })
        let nodes = NodeBalancer(
            storage: store.storage, algorithm: NodeChooser.Algorithm(settings.balancer.algorithm), logger: logger)
        let membership = ClusterMembership(
            of: chat, name: settings.cluster.node, clients: { registry.openConnections })
        let isMaintained = options.mode == .maintenance
        let streams = isMaintained ? [] : streamEndpoints(chat: chat, registry: registry, nodes: nodes)
        // The admin socket counts, too: what the start says to try goes through it.
        let start = Announcement(listeners: 2 + streams.count + (settings.metrics.isEnabled ? 1 : 0)) {
            [manager = options.serviceManager] addresses, endpoints in
            // What is not in the list gets no clients.
            await membership.join(endpoints)
            await onRunning(addresses)
            manager?.tell("READY=1")
        }
        let readiness = Readiness(
            settings: settings, storage: store.storage, stop: stop, membership: membership, isMaintained: isMaintained)
        let jobs = JobBoard(now: { chat.currentTime }, makeID: { chat.newIdentifier().description })
        let reloader = reloader(chat: chat)
        let operations = OperationContext(
            chat: chat, listeners: { start.listeners }, heartbeat: { await membership.beat() },
            control: control(reloader))
        let history = ServerHistory()
        let panel = panel(operations, jobs: jobs, history: history)
        let web = try web(
            start: start, readiness: readiness, nodes: nodes, api: adminAPI(operations, jobs: jobs), panel: panel)
        membership.onDrainingChanged { await web.forgetReadiness() }
        let metrics = try metricsListener(
            ServerMetrics(
                chat: chat, registry: registry, load: load, readiness: readiness, options: options,
                backups: settings.backup.schedule == nil ? nil : BackupFolder(path: settings.backup.folder),
                isReady: { await web.isReady() }),
            web: web, start: start, place: streams.count + 2)
        let tls = try options.tls?.makeConfiguration()
        let shownTLS = tls.map { live.certificate?.applied(to: $0) ?? $0 }
        await reloader?.serve(web)
        let http = try httpListener(
            routes: options.opensWebSockets ? webSocketRoutes(chat: chat, registry: registry) : [], registry: registry,
            load: load, tls: shownTLS, web: web, start: start)
        let listeners = try streams.enumerated().map { place, endpoint in
            try listener(of: endpoint, place: place + 1, registry: registry, load: load, tls: shownTLS, start: start)
        }
        let admin = try AdminSocketServer(
            path: settings.admin.socket, removesStaleSocket: store.lock != nil, group: group,
            drainTimeout: .seconds(1), logger: logger,
            onRunning: { [place = streams.count + 1] in await start.isRunning(place, []) },
            handler: AdminHandler.handler(
                chat: chat, listeners: { start.listeners }, heartbeat: { await membership.beat() },
                control: operations.control, logger: logger))
        // Whatever may refuse is asked before anything is announced.
        try await checkAddresses(of: streams)
        try admin.claimPath()
        // Stopped from the end: first no long work goes on and no client is sent here any more, then the listeners,
        // then this server is no longer one of the cluster, then the writer, so that every answer still leaves.
        let clock = ClockWatch(time: chat.storage.currentTime())
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: StoreService(close: close)),
            .init(
                service: ChatService(chat: chat, logger: logger), failureTerminationBehavior: .gracefullyShutdownGroup),
            .init(service: Housekeeping(chat: chat, clock: clock, logger: logger)), .init(service: admin),
        ]
        if chat.mode == .normal {
            services.append(.init(service: MessageRetention(chat: chat, clock: clock, logger: logger)))
        }
        if let reloader, let requests = options.reloadRequests {
            services.append(.init(service: ReloadService(requests: requests, reloader: reloader)))
        }
        if let metrics { services.append(.init(service: metrics)) }
        services += [
            .init(service: ClusterService(membership: membership)),
            .init(
                service: ReportedDrain(
                    listeners: ListenerGroup([SectionListener(section: "SERVER", listener: http)] + listeners),
                    manager: options.serviceManager, connections: { registry.openConnections })),
            .init(
                service: StopDelay(
                    delay: settings.server.stopDelay, membership: membership, manager: options.serviceManager,
                    forgetReadiness: { await web.forgetReadiness() }, isPointless: { chat.storageDoubt != nil },
                    logger: logger)),
            .init(service: JobService(jobs: jobs)),
        ]
        if let schedule = settings.backup.schedule {
            let backups = ScheduledBackups(
                chat: chat, maker: BackupMaker(settings, version: options.version), schedule: schedule,
                metrics: options.metrics, logger: logger)
            services.append(.init(service: backups))
        }
        if panel != nil { services.append(.init(service: HistoryService(history: history, chat: chat))) }
        if let deadline { services.append(.init(service: deadline)) }
        if let manager = options.serviceManager {
            // The first to stop: what follows takes its time.
            services.append(
                .init(
                    service: ServiceManagerReports(
                        manager: manager,
                        stopTime: stopTime > .zero ? (options.stopTimeout ?? .zero) + stopTime : nil, group: group,
                        connections: { registry.openConnections },
                        isDraining: { membership.isDraining })))
        }
        return services
    }

    /// Closes the store, if it is not closed.
    package func close() async {
        await store.close()
        deadline?.end()
    }

    private func web(
        start: Announcement, readiness: Readiness, nodes: NodeBalancer, api: AdminAPI?, panel: AdminPanel?
    ) throws -> WebService {
        let startInstant = ContinuousClock.now
        var answer: (@Sendable (APICall) async -> APIAnswer)?
        if let api { answer = { await api.answer($0) } }
        return try WebService(
            version: options.version,
            status: { [store, options, live] in
                guard let counts = try? await store.storage.counts() else { return nil }
                return ServerStatus(
                    name: live.name, version: options.version, mode: options.mode,
                    uptime: startInstant.duration(to: .now), protocols: start.addresses, users: Int(counts.users),
                    flows: Int(counts.flows), messages: Int(counts.messages))
            },
            readiness: { await readiness.checks() },
            balance: { await nodes.next().map { ServerChoice(name: $0.name, addresses: $0.endpoints) } },
            api: answer,
            servesChat: options.opensWebSockets && settings.server.hasWebChat, closedPaths: closedPaths, panel: panel,
            templatesFolder: settings.templatesFolder,
            logsRequests: !settings.logging.isRequestLogDisabled, logger: logger)
    }

    /// The API of administrators, unless the settings switch it off.
    private func adminAPI(_ operations: OperationContext, jobs: JobBoard) throws -> AdminAPI? {
        guard settings.admin.servesAPI else { return nil }
        return try AdminAPI(
            context: operations, jobs: jobs,
            authenticate: { (token) async throws(OperationError) in try await operations.administrator(token: token) },
            logger: logger)
    }

    private func httpListener(
        routes: [WebSocketRoute], registry: ConnectionRegistry, load: ServerLoad, tls: TLSConfiguration?,
        web: WebService,
        start: Announcement
    ) throws -> Listener {
        var httpOptions = HTTPOptions()
        httpOptions.keepAliveTimeout = options.keepAliveTimeout
        httpOptions.proxies = TrustedProxies(trust: live.proxies, sendsProxyHeader: settings.server.readsProxyHeader)
        httpOptions.origins = live.origins
        if !settings.logging.isRequestLogDisabled { httpOptions.upgradeLog = logger }
        let scheme = tls == nil ? "" : "s"
        let isPassed = options.sockets.descriptor(section: "SERVER") != nil
        return try Listener(
            .http(webSockets: routes, registry: registry, load: load, options: httpOptions, tls: tls),
            address: listenerAddress(
                NetworkAddress(host: settings.server.host, port: settings.server.port), section: "SERVER"),
            registry: registry, group: MultiThreadedEventLoopGroup.singleton, drainTimeout: drainTimeout,
            logger: logger, responder: web.responder,
            onRunning: { [settings] channel in
                let port = channel.localAddress?.port ?? settings.server.port
                let place = "\(NetworkAddress(host: settings.server.host, port: port).hostInURL):\(port)"
                var served: [Address] = [("Home page", "http\(scheme)://\(place)/")]
                if !routes.isEmpty, settings.server.hasWebChat {
                    served.append(("Web chat", "http\(scheme)://\(place)/chat"))
                }
                if settings.admin.hasPanel, tls != nil || settings.server.isLocal {
                    served.append(("Admin panel", "http\(scheme)://\(place)/admin"))
                }
                var endpoints = ["http": "http\(scheme)://\(place)/"]
                for route in routes {
                    let url = "ws\(scheme)://\(place)\(route.path)"
                    served.append((Self.title(ofPath: route.path), url))
                    endpoints[Self.title(ofPath: route.path).lowercased()] = url
                }
                let listeners =
                    [
                        ServerListener(
                            protocol: "http", host: settings.server.host, port: port, isSecure: tls != nil,
                            isPassed: isPassed)
                    ]
                    + routes.map { route in
                        ServerListener(
                            protocol: Self.title(ofPath: route.path).lowercased(), host: settings.server.host,
                            port: port, isSecure: tls != nil, isPassed: isPassed)
                    }
                await start.isRunning(0, served, endpoints: endpoints, listeners: listeners)
            })
    }

    private func listener(
        of endpoint: StreamEndpoint, place: Int, registry: ConnectionRegistry, load: ServerLoad, tls: TLSConfiguration?,
        start: Announcement
    ) throws -> any Service {
        let group = MultiThreadedEventLoopGroup.singleton
        let isPassed = options.sockets.descriptor(section: endpoint.section) != nil
        return SectionListener(
            section: endpoint.section,
            listener: try Listener(
                address: listenerAddress(endpoint.address, section: endpoint.section), options: endpoint.options,
                tls: endpoint.usesTLS ? tls : nil,
                registry: endpoint.hasClients ? registry : ConnectionRegistry(group: group, peers: .forBalancer),
                load: endpoint.hasClients ? load : ServerLoad(), group: group, drainTimeout: drainTimeout,
                logger: logger, makeSession: endpoint.makeSession,
                onRunning: { channel in
                    let port = channel.localAddress?.port ?? endpoint.address.port
                    endpoint.port.value = port
                    await start.isRunning(
                        place, [endpoint.shown(boundPort: port)], endpoints: endpoint.endpoints(boundPort: port),
                        listeners: [
                            ServerListener(
                                protocol: endpoint.title.lowercased(), host: endpoint.address.host, port: port,
                                isSecure: endpoint.usesTLS, isPassed: isPassed)
                        ])
                }))
    }

    /// Takes every address for a moment, so that one that cannot be had is told before any is announced.
    private func checkAddresses(of endpoints: [StreamEndpoint]) async throws {
        let server = NetworkAddress(host: settings.server.host, port: settings.server.port)
        var places =
            [(section: "SERVER", address: server)] + endpoints.map { (section: $0.section, address: $0.address) }
        if settings.metrics.isEnabled, !settings.metrics.isOptional {
            places.append((section: "METRICS", address: settings.metrics.address))
        }
        let failure = await ListenerCheck.firstFailure(
            of: places.map { listenerAddress($0.address, section: $0.section) },
            group: MultiThreadedEventLoopGroup.singleton)
        guard let failure else { return }
        throw SectionListenerError(
            section: places[failure.index].section, error: failure.error,
            other: failure.other.map { places[$0].section })
    }

    func listenerAddress(_ place: NetworkAddress, section: String) -> ListenerAddress {
        var address = ListenerAddress(host: place.host, port: place.port)
        address.backlog = options.backlog
        address.socket = options.sockets.descriptor(section: section)
        return address
    }
}
