// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Logging
import NIOCore
import NIOPosix
import Operations
import ServiceLifecycle
import Settings
import Telemetry
import Transport
import Web

extension ParleyServer {
    /// How many scrapers and supervisors may be connected.
    private static let scraperConnections = 64

    /// The listener for scrapers; `nil` when it is switched off.
    ///
    /// It stops after the other listeners, so that the last of a draining server can be seen.
    func metricsListener(
        _ metrics: ServerMetrics, web: WebService, start: Announcement, place: Int
    ) throws -> MetricsListener? {
        guard settings.metrics.isEnabled else { return nil }
        var limits = PeerLimits()
        limits.connections = Self.scraperConnections
        let group = MultiThreadedEventLoopGroup.singleton
        let registry = ConnectionRegistry(group: group, peers: limits)
        let address = settings.metrics.address
        let listener = try Listener(
            .http(webSockets: [], registry: registry, load: ServerLoad(), options: HTTPOptions(), tls: nil),
            address: listenerAddress(address, section: "METRICS"), registry: registry, group: group,
            drainTimeout: .seconds(1), logger: logger,
            responder: web.responder(
                metrics: { isOpenMetrics in
                    let format: MetricText.Format = isOpenMetrics ? .openMetrics : .prometheus
                    return (format.contentType, await metrics.text(format))
                }),
            onRunning: { [logger, options] channel in
                let port = channel.localAddress?.port ?? address.port
                logger.info("Metrics are served", metadata: ["address": "http://\(address.hostInURL):\(port)/metrics"])
                await start.isRunning(
                    place, [],
                    listeners: [
                        ServerListener(
                            protocol: "metrics", host: address.host, port: port, isSecure: false,
                            isPassed: options.sockets.descriptor(section: "METRICS") != nil)
                    ])
            })
        return MetricsListener(
            listener: SectionListener(section: "METRICS", listener: listener), isOptional: settings.metrics.isOptional,
            logger: logger, onAbsent: { await start.isRunning(place, []) })
    }
}

/// Serves scrapers; at the default address it may be absent.
struct MetricsListener: Service {
    let listener: SectionListener
    let isOptional: Bool
    let logger: Logger
    let onAbsent: @Sendable () async -> Void

    func run() async throws {
        do {
            try await listener.run()
        } catch let error as SectionListenerError where isOptional {
            logger.notice(
                "No metrics are served: set [METRICS] LISTEN to a free address, or ENABLED to off",
                metadata: ["error": "\(error.error.message)"])
            await onAbsent()
            try? await gracefulShutdown()
        }
    }
}
