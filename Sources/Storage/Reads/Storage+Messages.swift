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

    static let messageColumns = """
        e.position, e.flow_id, f.uuid, e.number, e.uuid, e.sender_id, u.uuid, e.time_ms, e.content, r.type, r.time_ms,
        r.content, CASE WHEN EXISTS (SELECT 1 FROM blob_refs b WHERE b.position = e.position) THEN 1 ELSE 0 END
        """
    static let messageTables = """
        events e
        JOIN flows f ON f.id = e.flow_id AND f.deleted_ms IS NULL
        JOIN users u ON u.id = e.sender_id
        LEFT JOIN events r ON r.position = e.replaced_by
        """

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
            bytes += message.content.count + message.blobs.values.reduce(0) { $0 + $1.count }
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

    private func messages(_ condition: String, _ arguments: [SQLValue]) async throws(StorageError) -> MessagePage {
        try await engine.read { (connection) throws(StorageError) in
            let rows = try connection.rows(
                "SELECT \(Self.messageColumns) FROM \(Self.messageTables) WHERE e.number IS NOT NULL AND \(condition)",
                arguments)
            return try Self.messages(rows, on: connection)
        }
    }

    package func message(uuid: Identifier) async throws(StorageError) -> MessageRecord? {
        try await messages("e.uuid = $1", [SQLValue(uuid)]).messages.first
    }

    package func message(at position: Position) async throws(StorageError) -> MessageRecord? {
        try await messages("e.position = $1", [SQLValue(position)]).messages.first
    }

    /// The messages of a flow with numbers in `range`, in order.
    package func messages(in flow: FlowID, numbers range: Range<Int64>) async throws(StorageError) -> MessagePage {
        try await messages(
            "e.flow_id = $1 AND e.number >= $2 AND e.number < $3 ORDER BY e.number",
            [SQLValue(flow), .int(range.lowerBound), .int(range.upperBound)])
    }

    /// All messages after a position, in order.
    package func messages(after: Position = .start, limit: Int) async throws(StorageError) -> MessagePage {
        try await messages("e.position > $1 ORDER BY e.position LIMIT $2", [SQLValue(after), .int(Int64(limit))])
    }

    /// Messages whose time compares so with `time`, of all flows or of one, in order and after a position.
    package func messages(
        sent comparison: TimeComparison, _ time: LogTime, in flow: FlowID? = nil, after: Position = .start, limit: Int
    ) async throws(StorageError) -> MessagePage {
        // Time follows position, so a range of times is a range of positions: no index on the time is needed.
        let (first, last) = try await engine.read { (connection) throws(StorageError) in
            let before = try Self.position(before: time, on: connection)
            let until = try Self.position(
                before: LogTime(
                    milliseconds: time.milliseconds.addingReportingOverflow(1).overflow
                        ? .max : time.milliseconds + 1), on: connection)
            let head = try Self.head(on: connection)
            return switch comparison {
            case .exactly: (before, until)
            case .atOrBefore: (Position.start, until)
            case .atOrAfter: (before, head)
            }
        }
        let range = [SQLValue(max(first, after)), SQLValue(last), .int(Int64(limit))]
        guard let flow else {
            return try await messages("e.position > $1 AND e.position <= $2 ORDER BY e.position LIMIT $3", range)
        }
        return try await messages(
            "e.flow_id = $1 AND e.position > $2 AND e.position <= $3 ORDER BY e.position LIMIT $4",
            [SQLValue(flow)] + range)
    }

    /// The number of the first message of a flow at or after `time`; the count of messages if there is none.
    ///
    /// - Parameter count: The flow's messages.
    package func number(
        ofFirstMessageIn flow: FlowID, atOrAfter time: LogTime, count: Int64
    ) async throws(StorageError)
        -> Int64
    {
        try await engine.read { (connection) throws(StorageError) in
            // Numbers have no gaps and time follows them: a binary search over the index.
            var low: Int64 = 0
            var high = count
            while low < high {
                let middle = low + (high - low) / 2
                let rows = try connection.rows(
                    "SELECT time_ms FROM events WHERE flow_id = $1 AND number = $2", [SQLValue(flow), .int(middle)])
                guard let row = rows.first else { return low }
                var reader = RowReader(row)
                if try reader.time() < time { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }
}
