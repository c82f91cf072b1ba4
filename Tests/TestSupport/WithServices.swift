// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging
package import ServiceLifecycle

/// What a service says once it runs, such as its port; waiting for it ends with the services.
package struct Announced<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation

    package init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    /// The service runs.
    package func announce(_ value: Value) {
        continuation.yield(value)
    }

    fileprivate func first() async -> Value? {
        await stream.first { _ in true }
    }

    fileprivate func finish() {
        continuation.finish()
    }
}

/// Runs services around `body`, then stops them gracefully and waits for their end.
///
/// - Parameters:
///   - services: What is stopped from the end, like a server's.
///   - announced: Told by one of them what `body` needs.
///   - onFailure: Called when `body` has failed, before the services are cancelled.
///   - body: Gets what was announced, and a way to stop the services before; not called when they end at once.
/// - Throws: What `body` or a service throws.
package func withServices<Value: Sendable>(
    _ services: [any Service], announced: Announced<Value>, onFailure: () -> Void = {},
    _ body: (Value, _ stop: @escaping @Sendable () async -> Void) async throws -> Void
) async throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let group = ServiceGroup(configuration: .init(services: services, logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            defer { announced.finish() }
            try await group.run()
        }
        if let value = await announced.first() {
            do {
                try await body(value) { await group.triggerGracefulShutdown() }
            } catch {
                onFailure()
                tasks.cancelAll()
                throw error
            }
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
    }
}
