// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
package import Logging
package import Storage

/// Names clients the server to connect to, after the list in the store.
package actor NodeBalancer {
    /// For how long the list is not read again: many clients at once cost one read.
    private static let freshness = Duration.milliseconds(250)

    private let storage: Storage
    private let instant: @Sendable () -> ContinuousClock.Instant
    private let logger: Logger
    private var random: any RandomNumberGenerator & Sendable
    private var chooser: NodeChooser
    private var list: (nodes: [ServerNode], readAt: ContinuousClock.Instant)?
    private var isReading = false

    /// A balancer over a store.
    package init(
        storage: Storage, algorithm: NodeChooser.Algorithm,
        random: any RandomNumberGenerator & Sendable = SecureRandom(),
        instant: @escaping @Sendable () -> ContinuousClock.Instant = { .now }, logger: Logger
    ) {
        self.storage = storage
        self.random = random
        self.instant = instant
        self.logger = logger
        chooser = NodeChooser(algorithm)
    }

    /// The server for one client more.
    ///
    /// While the store is out of reach, the list that was read last is good until its heartbeats are too old.
    ///
    /// - Parameter name: A protocol that the server must serve; `nil` for any.
    /// - Returns: `nil` when there is none.
    package func next(offering name: String? = nil) async -> ServerNode? {
        await refresh()
        guard let list else { return nil }
        return chooser.choose(
            among: list.nodes, readAt: list.readAt, now: instant(), offering: name, using: &random)
    }

    private func refresh() async {
        let now = instant()
        if let list {
            let age = list.readAt.duration(to: now)
            // During a read the list that is there will do for a moment.
            if age < Self.freshness || isReading && age < Self.freshness * 4 { return }
        }
        isReading = true
        defer { isReading = false }
        do throws(StorageError) {
            let nodes = try await storage.nodes().map(ServerNode.init)
            if let list, list.readAt > now { return }
            list = (nodes, now)
        } catch {
            logger.warning(
                "The list of servers could not be read", metadata: ["error": "\(String(reflecting: error))"])
        }
    }
}
