// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Logging
import ServiceLifecycle

/// The first part of a stop: no new clients are sent here any more, and those that come all the same are still served
/// for a while (`[SERVER] STOP_DELAY`).
///
/// A proxy finds out from `/readyz`, other servers from the list of the cluster.
struct StopDelay: Service {
    let delay: Duration
    let membership: ClusterMembership
    let manager: ServiceManager?
    let forgetReadiness: @Sendable () async -> Void
    /// Whether nothing can be served any more.
    let isPointless: @Sendable () -> Bool
    let logger: Logger
    /// How long the store may take to tell the other servers.
    private static let timeout = Duration.seconds(1)
    /// How often the service manager is told that the server lives.
    private static let reportInterval = Duration.milliseconds(500)

    func run() async throws {
        try await gracefulShutdown()
        await forgetReadiness()
        let end = ContinuousClock.now + delay
        _ = await TimeLimit.result(within: Self.timeout) { await membership.drain() }
        guard delay > .zero, !isPointless() else { return }
        logger.info("Clients are served for a while before the ports are closed", metadata: ["delay": "\(delay)"])
        while case let left = end - .now, left > .zero {
            manager?.tell("WATCHDOG=1", status: "Stopping in \(left.components.seconds + 1) s")
            try await Task.sleep(for: min(left, Self.reportInterval))
        }
    }
}
