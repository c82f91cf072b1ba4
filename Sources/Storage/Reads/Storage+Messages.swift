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

    static let messageColumns = """
        e.position, e.flow_id, f.uuid, e.number, e.uuid, e.sender_id, u.uuid, e.time_ms, e.content, r.type, r.time_ms,
        r.content, CASE WHEN EXISTS (SELECT 1 FROM blob_refs b WHERE b.position = e.position) THEN 1 ELSE 0 END
        """
    static let messageTables = tables(replacement: "e.replaced_by")
    /// The same with messages as they were before the position `$1`; what was deleted since is deleted.
    private static let earlierMessageTables = tables(
        replacement: """
            coalesce(
                (SELECT d.position FROM events d WHERE d.position = e.replaced_by AND d.type = 'deletion'),
                (SELECT max(x.position) FROM events x WHERE x.replaces = e.position AND x.position < $1))
            """)

    private static func tables(replacement: String) -> String {
        """
        events e
        JOIN flows f ON f.id = e.flow_id AND f.deleted_ms IS NULL
        JOIN users u ON u.id = e.sender_id
        LEFT JOIN events r ON r.position = \(replacement)
        """
    }

    /// Reads rows of `messageColumns`, and the attachments with them, until the page is large enough.
    static func messages(
        _ rows: some Sequence<SQLRow>, on connection: any SQLConnection, maximumBytes: Int = maximumPageBytes
    ) throws(StorageError) -> MessagePage {
        var messages: [MessageRecord] = []
        var bytes = 0
        for row in rows {
            if bytes > maximumBytes { return MessagePage(messages: messages, isCut: true) }
            var reader = RowReader(row)
            var message = MessageRecord(
                position: try reader.position(), flow: try reader.flow(), flowUUID: try reader.identifier(),
                number: try reader.int(), uuid: try reader.identifier(), sender: try reader.user(),
                senderUUID: try reader.identifier(), time: try reader.time(), content: try reader.bytes(), blobs: [:],
                change: nil)
            if let type = try reader.optionalText() {
                let time = try reader.time()
                let content = try reader.bytes()
                message.change =
                    type == LogEvent.Kind.deletion.rawValue ? .deleted(time) : .edited(time, content: content)
            } else {
                _ = try reader.optionalTime()
                _ = try reader.optionalBytes()
            }
            if try reader.bool() { message.blobs = try blobs(of: message.position, on: connection) }
            bytes += message.size
            messages.append(message)
        }
        return MessagePage(messages: messages, isCut: false)
    }

    private static func blobs(
        of position: Position, on connection: any SQLConnection
    ) throws(StorageError) -> [String: [UInt8]] {
        let rows = try connection.rows(
            "SELECT r.name, b.bytes FROM blob_refs r JOIN blobs b ON b.sha256 = r.sha256 WHERE r.position = $1",
            [SQLValue(position)])
        var blobs: [String: [UInt8]] = [:]
        for row in rows {
            var reader = RowReader(row)
            blobs[try reader.text()] = try reader.bytes()
        }
        return blobs
    }

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

    private func messages(
        _ condition: String, _ arguments: [SQLValue], limit: Int = maximumPageRows + 1, reader: UserID?,
        asOf end: Position? = nil
    ) async throws(StorageError) -> MessagePage {
        let source = """
            FROM \(Self.messageTables) WHERE e.number IS NOT NULL AND \(condition) LIMIT $\(arguments.count + 1)
            """
        let limit = min(limit, Self.maximumPageRows + 1)
        return try await engine.read { (connection) throws(StorageError) in
            let heads = try connection.rows(
                "SELECT e.position, length(e.content) + coalesce(length(r.content), 0) \(source)",
                arguments + [SQLValue(limit: limit)])
            var positions: [Position] = []
            var sizes: [Int64] = []
            for head in heads {
                var reader = RowReader(head)
                positions.append(try reader.position())
                sizes.append(try reader.int())
            }
            let bodies = try reader.map { (user) throws(StorageError) in
                try self.bodySizes(at: positions, for: user, on: connection)
            }
            if let bodies, !bodies.isEmpty {
                for index in sizes.indices { sizes[index] += bodies[positions[index]] ?? 0 }
            }
            let (count, isCut) = Self.pageRows(sizes)
            guard count > 0 else { return MessagePage(messages: [], isCut: isCut) }
            let rows = try connection.rows(
                "SELECT \(Self.messageColumns) \(source)", arguments + [SQLValue(limit: count)])
            var page = try Self.messages(rows, on: connection)
            page.isCut = page.isCut || isCut
            if let end { try Self.turnBack(&page.messages, to: end, on: connection) }
            if let reader, let bodies {
                try self.addBodies(to: &page.messages, for: reader, sizes: bodies, on: connection)
            }
            return page
        }
    }

    /// Takes back the edits that came at `end` or later.
    private static func turnBack(
        _ messages: inout [MessageRecord], to end: Position, on connection: any SQLConnection
    ) throws(StorageError) {
        for index in messages.indices {
            guard case .edited = messages[index].change else { continue }
            let found = try Self.messages(at: [messages[index].position], asOf: end, on: connection).messages
            if let earlier = found.first { messages[index] = earlier }
        }
    }

    /// The messages at these positions, in this order; those that are not there or belong to a deleted flow are missing.
    ///
    /// With `end` without the edits that came there or later.
    static func messages(
        at positions: some Sequence<Position>, asOf end: Position? = nil, on connection: any SQLConnection
    ) throws(StorageError) -> MessagePage {
        var page = MessagePage(messages: [], isCut: false)
        var bytes = 0
        for position in positions {
            if bytes > maximumPageBytes {
                page.isCut = true
                break
            }
            let rows =
                if let end {
                    try connection.rows(
                        """
                        SELECT \(messageColumns) FROM \(earlierMessageTables)
                        WHERE e.number IS NOT NULL AND e.position = $2
                        """, [SQLValue(end), SQLValue(position)])
                } else {
                    try connection.rows(
                        "SELECT \(messageColumns) FROM \(messageTables) WHERE e.number IS NOT NULL AND e.position = $1",
                        [SQLValue(position)])
                }
            for message in try messages(rows, on: connection).messages {
                bytes += message.size
                page.messages.append(message)
            }
        }
        return page
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
        try await messages(
            "e.flow_id = $1 AND e.number >= $2 AND e.number < $3 ORDER BY e.number",
            [SQLValue(flow), .int(range.lowerBound), .int(range.upperBound)], reader: reader, asOf: end)
    }

    /// How many messages a flow had before a position.
    package func messageCount(of flow: FlowID, before position: Position) async throws(StorageError) -> Int64 {
        try await engine.read { (connection) throws(StorageError) in
            let rows = try connection.rows(
                """
                SELECT number + 1 FROM events
                WHERE flow_id = $1 AND position < $2 AND number IS NOT NULL
                ORDER BY position DESC
                LIMIT 1
                """, [SQLValue(flow), SQLValue(position)])
            guard let row = rows.first else { return 0 }
            var reader = RowReader(row)
            return try reader.int()
        }
    }

    /// All messages after a position, in order.
    package func messages(after: Position = .start, limit: Int) async throws(StorageError) -> MessagePage {
        try await messages("e.position > $1 ORDER BY e.position", [SQLValue(after)], limit: limit, reader: nil)
    }

    /// Messages whose time compares so with `time`, of all flows or of one, in order and after a position.
    package func messages(
        sent comparison: TimeComparison, _ time: Timestamp, in flow: FlowID? = nil, after: Position = .start, limit: Int
    ) async throws(StorageError) -> MessagePage {
        // Time follows position but for few steps, so a range of times is one of positions: no index on the time is needed.
        let (first, last) = try await engine.read { (connection) throws(StorageError) in
            let head = try Self.head(on: connection)
            let before = comparison == .atOrBefore ? Position.start : try Self.position(before: time, on: connection)
            if comparison == .atOrAfter { return (before, head) }
            let next = time.milliseconds.addingReportingOverflow(1)
            let until = try Self.position(
                before: Timestamp(milliseconds: next.overflow ? .max : next.partialValue), on: connection)
            let isLaterAgain = try !connection.rows(
                "SELECT 1 FROM log_steps WHERE position > $1 AND after_ms <= $2 LIMIT 1",
                [SQLValue(until), SQLValue(time)]
            ).isEmpty
            return (before, isLaterAgain ? head : until)
        }
        let range = [SQLValue(max(first, after)), SQLValue(last), SQLValue(time)]
        let compared = "e.time_ms \(comparison.sqlOperator)"
        guard let flow else {
            return try await messages(
                "e.position > $1 AND e.position <= $2 AND \(compared) $3 ORDER BY e.position", range, limit: limit,
                reader: nil)
        }
        return try await messages(
            "e.flow_id = $1 AND e.position > $2 AND e.position <= $3 AND \(compared) $4 ORDER BY e.position",
            [SQLValue(flow)] + range, limit: limit, reader: nil)
    }

    /// The number of the first message of a flow at or after `time`; `count`, the flow's messages, if there is none.
    package func number(
        ofFirstMessageIn flow: FlowID, atOrAfter time: Timestamp, count: Int64
    ) async throws(StorageError) -> Int64 {
        try await engine.read { (connection) throws(StorageError) in
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
