// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

extension Storage {
    /// Makes a server's last heartbeat older by the database's clock, which no test can hold.
    ///
    /// With a negative time it is from before that clock was set back.
    package func age(_ node: NodeID, milliseconds: Int64 = 60_000) async throws {
        try await engine.write { connection in
            _ = try connection.execute(
                "UPDATE nodes SET heartbeat_ms = heartbeat_ms + $1 WHERE id = $2",
                [.int(-milliseconds), .int(node.rawValue)])
        }
    }

    /// Lets a server count as alive for half an hour, however slow the machine is.
    package func keepAlive(_ node: NodeID) async throws {
        let now = engine.dialect.nowMilliseconds
        try await engine.write { connection in
            _ = try connection.execute(
                "UPDATE nodes SET heartbeat_ms = \(now) + 1800000 WHERE id = $1", [.int(node.rawValue)])
        }
    }
}
