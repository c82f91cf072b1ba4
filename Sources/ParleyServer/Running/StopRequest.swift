// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import ServiceLifecycle
import Synchronization

/// Ends the group of services in order as soon as it is asked to: by a signal, the last request, a changed file.
package final class StopRequest: Service {
    private let requests = AsyncStream.makeStream(of: Never.self)
    private let begun = Atomic(false)

    /// Nothing was asked for yet.
    package init() {}

    /// Whether the server is stopping, for whatever reason.
    var hasBegun: Bool { begun.load(ordering: .relaxed) }

    /// Asks for the end, which also may be before the services run.
    package func begin() {
        begun.store(true, ordering: .relaxed)
        requests.continuation.finish()
    }

    package func run() async throws {
        for await _ in requests.stream.cancelOnGracefulShutdown() {}
        begin()
    }
}

extension ServiceGroupConfiguration.ServiceConfiguration {
    /// A service whose end is the end of all.
    package static func ending(_ service: any Service) -> Self {
        Self(service: service, successTerminationBehavior: .gracefullyShutdownGroup)
    }
}
