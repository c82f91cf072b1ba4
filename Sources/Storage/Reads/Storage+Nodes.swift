// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds

extension Storage {
    /// How long a node may be silent before its row goes.
    package static let silentNodeLimit: Duration = .seconds(3600)

    /// Enters a node into the cluster's list, and removes those that have long been silent.
    package func registerNode(_ node: NewNode) async throws(StorageError) -> NodeID {
        let now = engine.dialect.nowMilliseconds
        let silence = Self.removal(ofNodesSilentFor: Self.silentNodeLimit, now: now)
        return try await write(.chores) { connection in
            try connection.execute(silence)
            let rows = try connection.rows(
                """
                INSERT INTO nodes (name, address, protocols, mode, started_ms, heartbeat_ms, draining, clients)
                VALUES ($1, $2, $3, $4, \(now), \(now), 0, 0)
                RETURNING id
                """, [.text(node.name), .text(node.address), .text(node.protocols), .text(node.mode)])
            guard let row = rows.first else {
                throw StorageError(.writeFailed, "The node could not be entered. Try again.")
            }
            var reader = RowReader(row)
            return NodeID(try reader.int())
        }
    }

    /// What the database's clock says: the clock of this machine where the database is a file.
    package func databaseTime() async throws(StorageError) -> Timestamp {
        let sql = "SELECT \(engine.dialect.nowMilliseconds)"
        return try await read(.chores) { connection in
            var reader = RowReader(try connection.rows(sql).first ?? [])
            return try reader.time()
        }
    }

    /// Says that a node lives, by the database's clock.
    ///
    /// - Returns: `nil` when the node is not in the list any more and must enter itself anew.
    package func heartbeat(_ node: NodeID, clients: Int) async throws(StorageError) -> NodeHeartbeat? {
        let now = engine.dialect.nowMilliseconds
        let draining = Self.isDraining(now: now)
        return try await write(.chores) { connection in
            let rows = try connection.rows(
                """
                UPDATE nodes SET heartbeat_ms = \(now), clients = $1 WHERE id = $2
                RETURNING \(draining), drain_at_ms, notice
                """,
                [.int(Int64(clients)), .int(node.rawValue)])
            guard let row = rows.first else { return nil }
            var reader = RowReader(row)
            return NodeHeartbeat(isDraining: try reader.bool(), announcement: try Self.announcement(&reader))
        }
    }

    /// All nodes in the list, by number, silent ones too.
    package func nodes() async throws(StorageError) -> [NodeRecord] {
        let now = engine.dialect.nowMilliseconds
        let draining = Self.isDraining(now: now)
        return try await read(.chores) { connection in
            let rows = try connection.rows(
                """
                SELECT id, name, address, protocols, mode, started_ms, \(now) - heartbeat_ms,
                    \(draining), drain_at_ms, notice, clients
                FROM nodes
                ORDER BY id
                """)
            return try rows.map { row in
                var reader = RowReader(row)
                return NodeRecord(
                    id: NodeID(try reader.int()), name: try reader.text(), address: try reader.text(),
                    protocols: try reader.text(), mode: try reader.text(), started: try reader.time(),
                    ageMilliseconds: Self.heartbeatAge(try reader.int()), isDraining: try reader.bool(),
                    announcement: try Self.announcement(&reader), clients: try reader.int())
            }
        }
    }

    /// Asks for a node to be drained, or no longer; what was announced is forgotten.
    ///
    /// - Returns: Whether there is such a node.
    package func setDraining(
        _ node: NodeID, _ isDraining: Bool, audit note: AuditNote? = nil
    ) async throws(StorageError) -> Bool {
        try await changing(audit: note) { connection in
            try connection.execute(
                "UPDATE nodes SET draining = $1, drain_at_ms = NULL, notice = '' WHERE id = $2",
                [SQLValue(isDraining), .int(node.rawValue)]) > 0
        }
    }

    /// Asks for a node to be drained after a time, and for its clients to be told; one that drains already goes on
    /// draining.
    ///
    /// - Returns: Whether there is such a node.
    package func announceDraining(
        of node: NodeID, after delay: Duration, message: String, audit note: AuditNote? = nil
    ) async throws(StorageError) -> Bool {
        let now = engine.dialect.nowMilliseconds
        let draining = Self.isDraining(now: now)
        return try await changing(audit: note) { connection in
            try connection.execute(
                """
                UPDATE nodes SET draining = \(draining), drain_at_ms = \(now) + $1, notice = $2 WHERE id = $3
                """, [.int(delay.wholeMilliseconds), .text(message), .int(node.rawValue)]) > 0
        }
    }

    /// An expression: a drain that was announced begins by itself.
    private static func isDraining(now: String) -> String {
        "CAST(CASE WHEN draining = 1 OR drain_at_ms <= \(now) THEN 1 ELSE 0 END AS bigint)"
    }

    private static func announcement(_ reader: inout RowReader) throws(StorageError) -> NodeAnnouncement? {
        let time = try reader.optionalTime()
        let message = try reader.text()
        return time.map { NodeAnnouncement(time: $0, message: message) }
    }

    /// Takes a node off the list.
    ///
    /// - Returns: Whether it was in it.
    package func removeNode(_ node: NodeID) async throws(StorageError) -> Bool {
        try await write(.chores) { connection in
            try connection.execute("DELETE FROM nodes WHERE id = $1", [.int(node.rawValue)]) > 0
        }
    }

    /// Takes nodes off the list whose last heartbeat is older than `limit`.
    ///
    /// - Returns: How many they were.
    package func removeNodes(silentFor limit: Duration) async throws(StorageError) -> Int {
        let removal = Self.removal(ofNodesSilentFor: limit, now: engine.dialect.nowMilliseconds)
        return try await write(.chores) { connection in try connection.execute(removal) }
    }

    private static func removal(ofNodesSilentFor limit: Duration, now: String) -> SQLStatement {
        let milliseconds = min(max(limit, .zero), .seconds(1 << 40)).wholeMilliseconds
        // Where no silence is allowed, no lead is either.
        return SQLStatement(
            "DELETE FROM nodes WHERE heartbeat_ms < \(now) - $1 OR heartbeat_ms > \(now) + $2",
            [.int(milliseconds), .int(min(milliseconds, Timestamp.longestCorrection))])
    }

    /// The age of a heartbeat, given the difference of times.
    ///
    /// Of one that is too far ahead only the lead is known: who lives would have replaced it.
    private static func heartbeatAge(_ difference: Int64) -> Int64 {
        difference < -Timestamp.longestCorrection ? Int64(clamping: difference.magnitude) : max(0, difference)
    }
}
