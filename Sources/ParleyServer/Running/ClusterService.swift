// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ServiceLifecycle

/// Keeps this server in the list of those that share the store, until its clients are gone.
struct ClusterService: Service {
    let membership: ClusterMembership
    /// How long the store may take when the server leaves the list; afterwards its heartbeat just grows old.
    private static let timeout = Duration.seconds(1)

    func run() async throws {
        await cancelWhenGracefulShutdown { await membership.run() }
        _ = await TimeLimit.result(within: Self.timeout) { await membership.leave() }
    }
}
