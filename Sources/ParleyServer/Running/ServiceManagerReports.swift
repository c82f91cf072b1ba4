// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import ServiceLifecycle

/// Tells the service manager that the server lives and how many connections it has, and at last that it stops.
struct ServiceManagerReports: Service {
    let manager: ServiceManager
    let group: any EventLoopGroup
    let connections: @Sendable () -> Int
    /// How old the status line may be.
    private static let statusInterval = Duration.seconds(5)

    func run() async throws {
        // Half the interval, as the manager's documentation advises.
        let interval = min(manager.watchdog.map { $0 / 2 } ?? Self.statusInterval, Self.statusInterval)
        try? await cancelWhenGracefulShutdown {
            while true {
                // An event loop that hangs gives no sign of life: the manager starts the server again.
                for loop in group.makeIterator() { try await loop.submit {}.get() }
                manager.tell("WATCHDOG=1", "STATUS=Connections: \(connections())")
                try await Task.sleep(for: interval)
            }
        }
        manager.tell("STOPPING=1", "STATUS=Stopping")
    }
}
