// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import ServiceLifecycle
import Transport

/// Tells the service manager that the server lives and how many connections it has, and at last that it stops.
struct ServiceManagerReports: Service {
    let manager: ServiceManager
    /// How long the server takes at most when it stops; `nil`: not longer than the manager expects.
    let stopTime: Duration?
    let group: any EventLoopGroup
    let connections: @Sendable () -> Int
    let isDraining: @Sendable () -> Bool
    /// How old the status line may be.
    private static let statusInterval = Duration.seconds(5)

    func run() async throws {
        // Half the interval, as the manager's documentation advises.
        let interval = min(manager.watchdog.map { $0 / 2 } ?? Self.statusInterval, Self.statusInterval)
        try? await cancelWhenGracefulShutdown {
            while true {
                // An event loop that hangs gives no sign of life: the manager starts the server again.
                for loop in group.makeIterator() { try await loop.submit {}.get() }
                let draining = isDraining() ? "Draining. " : ""
                manager.tell("WATCHDOG=1", status: "\(draining)Connections: \(connections())")
                try await Task.sleep(for: interval)
            }
        }
        manager.tell("STOPPING=1", status: "Stopping")
        if let stopTime { manager.tell("EXTEND_TIMEOUT_USEC=\(Int64(stopTime / .microseconds(1)))") }
    }
}

/// The listeners of clients; while they stop, the service manager is told how many connections are left.
struct ReportedDrain: Service {
    let listeners: ListenerGroup
    let manager: ServiceManager?
    let connections: @Sendable () -> Int

    func run() async throws {
        guard let manager else { return try await listeners.run() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [connections] in
                try await gracefulShutdown()
                while true {
                    manager.tell("WATCHDOG=1", status: "Stopping. Connections left: \(connections())")
                    try await Task.sleep(for: .milliseconds(500))
                }
            }
            defer { group.cancelAll() }
            try await listeners.run()
        }
    }
}
