// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Some messages in order.
package struct MessagePage: Sendable {
    package var messages: [MessageRecord]
    /// The page ends before its range does, because it grew too large.
    package var isCut: Bool
}

extension Storage {
    /// How many bytes of messages and attachments one page holds before it is cut.
    package static let maximumPageBytes = 32 << 20
    /// How many rows one page holds before it is cut.
    package static let maximumPageRows = 10_000

    /// How many rows, from the first on, a page of `maximumPageBytes` holds, and whether some are left over.
    ///
    /// Asked before the rows themselves, so that a page of large contents is never in memory whole.
    static func pageRows(_ sizes: [Int64], limit: Int = maximumPageRows) -> (Int, isCut: Bool) {
        var count = 0
        var bytes: Int64 = 0
        for size in sizes {
            if count == limit || bytes > Int64(maximumPageBytes) { return (count, true) }
            bytes += size
            count += 1
        }
        return (count, false)
    }

    /// The messages for which a condition on the event `e` holds.
    private func messages(
        _ condition: String, _ arguments: [SQLValue], limit: Int = maximumPageRows + 1, reader: UserID? = nil
    ) async throws(StorageError) -> MessagePage {
        try await read(.messages) { connection in
            try self.messages(condition, arguments, limit: limit, reader: reader, on: connection)
        }
    }

    private func messages(
        _ condition: String, _ arguments: [SQLValue], limit: Int = maximumPageRows + 1, reader: UserID?,
        asOf end: (flow: FlowID, position: Position)? = nil, on connection: any SQLConnection
    ) throws(StorageError) -> MessagePage {
        let loader = try MessageLoader(
            messages: condition, arguments, limit: min(limit, Self.maximumPageRows + 1), dialect: engine.dialect,
            reader: reader, ends: end.map { [$0.flow.rawValue: $0.position] } ?? [:], on: connection)
        let positions = loader.positions.prefix(Self.maximumPageRows)
        var page = try loader.page(of: positions)
        page.isCut = page.isCut || loader.positions.count > positions.count
        return page
    }

    /// The messages at these positions, in this order, until they take so many bytes; those that are not there are
    /// missing.
    package func messages(
        at positions: [Position], maximumBytes: Int
    ) async throws(StorageError) -> MessagePage {
        try await read(.messages) { connection in
            let loader = try MessageLoader(positions, dialect: self.engine.dialect, on: connection)
            return try loader.page(of: positions, maximumBytes: maximumBytes)
        }
    }

    /// The message, with what was encrypted for `reader` alone.
    package func message(uuid: Identifier, reader: UserID? = nil) async throws(StorageError) -> MessageRecord? {
        try await messages("e.uuid = $1", [SQLValue(uuid)], reader: reader).messages.first
    }

    /// The message, with what was encrypted for `reader` alone.
    package func message(at position: Position, reader: UserID? = nil) async throws(StorageError) -> MessageRecord? {
        try await messages("e.position = $1", [SQLValue(position)], reader: reader).messages.first
    }

    /// The messages of a flow with numbers in `range`, in order, with what was encrypted for `reader` alone.
    ///
    /// With `end` without the edits that came there or later.
    package func messages(
        in flow: FlowID, numbers range: Range<Int64>, reader: UserID? = nil, asOf end: Position? = nil
    ) async throws(StorageError) -> MessagePage {
        try await read(.messages) { connection in
            try self.messages(in: flow, numbers: range, reader: reader, asOf: end, on: connection)
        }
    }

    /// The same, with how many messages there are, as far as `end`, which decides about the numbers.
    ///
    /// - Returns: `nil` when the flow is gone.
    package func messages(
        in flow: FlowID, reader: UserID? = nil, asOf end: Position? = nil,
        numbers range: @escaping @Sendable (_ total: Int64) -> Range<Int64>
    ) async throws(StorageError) -> (page: MessagePage, range: Range<Int64>, total: Int64)? {
        try await read(.messages) { connection in
            guard let total = try Self.messageCount(of: flow, before: end, on: connection) else { return nil }
            let numbers = range(total)
            return (
                try self.messages(in: flow, numbers: numbers, reader: reader, asOf: end, on: connection), numbers, total
            )
        }
    }

    private func messages(
        in flow: FlowID, numbers range: Range<Int64>, reader: UserID?, asOf end: Position?,
        on connection: any SQLConnection
    ) throws(StorageError) -> MessagePage {
        guard !range.isEmpty else { return MessagePage(messages: [], isCut: false) }
        return try messages(
            "e.flow_id = $1 AND e.number >= $2 AND e.number < $3 ORDER BY e.number",
            [SQLValue(flow), .int(range.lowerBound), .int(range.upperBound)], reader: reader,
            asOf: end.map { (flow, $0) }, on: connection)
    }

    /// How many messages a flow has, or had before a position.
    ///
    /// - Returns: `nil` when the flow is gone.
    package func messageCount(
        of flow: FlowID, before position: Position? = nil
    ) async throws(StorageError) -> Int64? {
        try await read(.messages) { connection in
            try Self.messageCount(of: flow, before: position, on: connection)
        }
    }

    private static func messageCount(
        of flow: FlowID, before position: Position?, on connection: any SQLConnection
    ) throws(StorageError) -> Int64? {
        let rows = try connection.rows(
            """
            SELECT h.message_count FROM flow_heads h
            JOIN flows f ON f.id = h.flow_id AND f.deleted_ms IS NULL
            WHERE h.flow_id = $1
            """, [SQLValue(flow)])
        guard let row = rows.first else { return nil }
        var reader = RowReader(row)
        guard let position else { return try reader.int() }
        let before = try connection.rows(
            """
            SELECT number + 1 FROM events
            WHERE flow_id = $1 AND position < $2 AND number IS NOT NULL
            ORDER BY position DESC
            LIMIT 1
            """, [SQLValue(flow), SQLValue(position)])
        guard let row = before.first else { return 0 }
        reader = RowReader(row)
        return try reader.int()
    }

    /// All messages after a position, in order.
    package func messages(after: Position = .start, limit: Int) async throws(StorageError) -> MessagePage {
        try await messages("e.position > $1 ORDER BY e.position", [SQLValue(after)], limit: limit)
    }

    /// Messages whose time compares so with `time`, of all flows or of one, in order and after a position.
    package func messages(
        sent comparison: TimeComparison, _ time: Timestamp, in flow: FlowID? = nil, after: Position = .start, limit: Int
    ) async throws(StorageError) -> MessagePage {
        // Time follows position but for few steps, so a range of times is one of positions: no index on the time is
        // needed.
        let (first, last) = try await read(.messages) { connection in
            let head = try Self.head(on: connection)
            let before = comparison == .atOrBefore ? Position.start : try Self.position(before: time, on: connection)
            if comparison == .atOrAfter { return (before, head) }
            return (before, try Self.position(ofLastAtOrBefore: time, on: connection))
        }
        let range = [SQLValue(max(first, after)), SQLValue(last), SQLValue(time)]
        let compared = "e.time_ms \(comparison.sqlOperator)"
        guard let flow else {
            return try await messages(
                "e.position > $1 AND e.position <= $2 AND \(compared) $3 ORDER BY e.position", range, limit: limit)
        }
        return try await messages(
            "e.flow_id = $1 AND e.position > $2 AND e.position <= $3 AND \(compared) $4 ORDER BY e.position",
            [SQLValue(flow)] + range, limit: limit)
    }

    /// The number of the first message of a flow at or after `time`; `count`, the flow's messages, if there is none.
    package func number(
        ofFirstMessageIn flow: FlowID, atOrAfter time: Timestamp, count: Int64
    ) async throws(StorageError) -> Int64 {
        try await read(.messages) { connection in
            let before = try Self.position(before: time, on: connection)
            let rows = try connection.rows(
                """
                SELECT number FROM events
                WHERE flow_id = $1 AND position > $2 AND number IS NOT NULL
                ORDER BY position
                LIMIT 1
                """, [SQLValue(flow), SQLValue(before)])
            guard let row = rows.first else { return count }
            var reader = RowReader(row)
            return min(try reader.int(), count)
        }
    }
}

extension MessageRecord {
    /// About how many bytes of memory the message holds.
    var size: Int {
        var size = 256 + content.count + blobs.values.reduce(0) { $0 + $1.count }
        if case .edited(_, let content) = change { size += content.count }
        if let body { size += body.body.count + body.key.count }
        return size
    }
}
