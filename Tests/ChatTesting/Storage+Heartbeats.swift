// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

extension Storage {
    /// Makes a server's last heartbeat older by the database's clock, which no test can hold.
    ///
    /// With a negative time it stays young, however slow the machine is.
    package func age(_ node: NodeID, milliseconds: Int64 = 60_000) async throws {
        try await engine.write { connection in
            _ = try connection.execute(
                "UPDATE nodes SET heartbeat_ms = heartbeat_ms + $1 WHERE id = $2",
                [.int(-milliseconds), .int(node.rawValue)])
        }
    }

    /// Lets a server count as alive until its next heartbeat.
    package func keepAlive(_ node: NodeID) async throws { try await age(node, milliseconds: -3_600_000) }
}
