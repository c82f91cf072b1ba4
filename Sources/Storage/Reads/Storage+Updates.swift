// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What changed for one account after a cursor, in the order of the log.
package struct UpdatePage: Sendable {
    /// Messages that are new, edited or deleted, as they stand now.
    package var messages: [MessageRecord] = []
    /// Flows that are new to the account or changed.
    package var flows: [FlowRecord] = []
    /// Accounts that are new or changed.
    package var users: [UserRecord] = []
    /// Which of the messages are new; the others were edited or deleted.
    package var new: Set<Position> = []
    /// Everything up to here is in this page or none of the account's business.
    package var cursor: Position
    /// More follows after `cursor`.
    package var isCut = false
}

extension Storage {
    /// The most events a page holds, also when a whole second must fit.
    package static let maximumUpdates = 10_000

    static func head(on connection: any SQLConnection) throws(StorageError) -> Position {
        guard let row = try connection.rows("SELECT position FROM log_head WHERE id = 1").first else { return .start }
        var reader = RowReader(row)
        return try reader.position()
    }

    /// The last position of the log.
    package func head() async throws(StorageError) -> Position {
        try await read(.updates) { connection in try Self.head(on: connection) }
    }

    /// The position before the first event whose time is at or after `time`; the head if there is none.
    package func position(before time: Timestamp) async throws(StorageError) -> Position {
        try await read(.updates) { connection in try Self.position(before: time, on: connection) }
    }

    /// The position before the first event after `low` whose time is at or after `time`; the head if there is none.
    ///
    /// A binary search, since time follows position but for the few places where the log's time went back.
    static func position(
        before time: Timestamp, after low: Position = .start, on connection: any SQLConnection
    ) throws(StorageError) -> Position {
        let range = try LogStep.run(holding: time, after: low, head: try head(on: connection), on: connection)
        var low = range.low.rawValue
        var high = range.high.rawValue
        // Invariant: what is at or below `low` is before `time`, what is above `high` is not.
        while low < high {
            let middle = low + (high - low + 1) / 2
            // A purged flow leaves gaps: take the next event there is.
            let rows = try connection.rows(
                "SELECT position, time_ms FROM events WHERE position >= $1 ORDER BY position LIMIT 1", [.int(middle)])
            guard let row = rows.first else {
                high = middle - 1
                continue
            }
            var reader = RowReader(row)
            let position = try reader.int()
            if position <= high, try reader.time() < time { low = position } else { high = middle - 1 }
        }
        return Position(low)
    }

    /// The cursor that has seen everything before `time`.
    package func cursor(before time: Timestamp) async throws(StorageError) -> Position {
        try await read(.updates) { connection in try Self.position(before: time, on: connection) }
    }

    /// The position after which the log has just so many events; there are gaps where flows were purged.
    package func position(beforeLast count: Int) async throws(StorageError) -> Position {
        guard count > 0 else { return try await head() }
        return try await read(.updates) { connection in
            let rows = try connection.rows(
                "SELECT position FROM events ORDER BY position DESC LIMIT 1 OFFSET $1", [.int(Int64(count - 1))])
            guard let row = rows.first else { return Position(0) }
            var reader = RowReader(row)
            return Position(try reader.position().rawValue - 1)
        }
    }

    /// Which of these uuids events have already.
    package func knownEvents(_ uuids: [Identifier]) async throws(StorageError) -> Set<Identifier> {
        try await read(.updates) { connection in
            let found = try connection.rows(
                pipelined: uuids.map { SQLStatement("SELECT uuid FROM events WHERE uuid = $1", [SQLValue($0)]) })
            var known: Set<Identifier> = []
            for row in found.joined() {
                var reader = RowReader(row)
                known.insert(try reader.identifier())
            }
            return known
        }
    }

    /// Events of all flows and accounts after a position, in order.
    ///
    /// Fewer than `limit` when they are large; the log's end is where none come.
    package func events(after: Position, limit: Int) async throws(StorageError) -> [LogEvent] {
        try await read(.updates) { connection in try Self.events(after: after, limit: limit, on: connection) }
    }

    static func events(
        after: Position, limit: Int, on connection: any SQLConnection
    ) throws(StorageError) -> [LogEvent] {
        let source = "FROM events WHERE position > $1 ORDER BY position LIMIT $2"
        let sizes = try connection.rows(
            "SELECT length(content) \(source)",
            [SQLValue(after), SQLValue(limit: min(limit, Self.maximumPageRows))])
        let (count, _) = Self.pageRows(
            try sizes.map { (row) throws(StorageError) in
                var reader = RowReader(row)
                return try reader.int()
            })
        guard count > 0 else { return [] }
        let rows = try connection.rows(
            """
            SELECT position, time_ms, uuid, type, flow_id, seq, number, sender_id, state_key, content, replaces,
                protocol
            \(source)
            """, [SQLValue(after), SQLValue(limit: count)])
        return try rows.map { (row) throws(StorageError) in
            var reader = RowReader(row)
            return LogEvent(
                position: try reader.position(), time: try reader.time(), uuid: try reader.identifier(),
                kind: LogEvent.Kind(rawValue: try reader.text()) ?? .session,
                flow: try reader.optionalInt().map { FlowID($0) }, seq: try reader.optionalInt(),
                number: try reader.optionalInt(), sender: try reader.optionalInt().map { UserID($0) },
                subject: try reader.optionalText().flatMap { Int64($0) }, content: try reader.bytes(),
                replaces: try reader.optionalInt().map { Position($0) }, protocol: try reader.optionalText())
        }
    }

    /// What `user` may see of the log after `cursor`, at most `limit` events.
    ///
    /// Reads only the account's flows with something new, each by its own index.
    ///
    /// `wholeSeconds`, for cursors that are a time, does not end inside a second, unless that alone is more than a page
    /// may hold. `excluded` are events that the principal needs not be told of. With `bodies` the messages have what
    /// was encrypted for the account alone. Without `accounts` what belongs to no flow is left out, and costs nothing.
    ///
    /// Of flows that the account has left there are messages only, as they were when it left.
    package func updates(
        for user: UserID, after cursor: Position, limit: Int, wholeSeconds: Bool, _ scope: ReadingScope = .asked,
        excluding excluded: Set<Position> = [],
        accounts: Bool = true, bodies: Bool = false
    ) async throws(StorageError) -> UpdatePage {
        let limit = min(max(limit, 1), Self.maximumUpdates)
        return try await read(.updates) { connection in
            let head = try Self.head(on: connection)
            let readable = try Self.readable(by: user, after: cursor, upTo: head, scope, on: connection)
            var merge = PositionMerge(readable.ranges, accounts: accounts, after: cursor, upTo: head)
            var positions: [Position] = []
            while positions.count < limit, let next = try merge.next(on: connection) { positions.append(next) }
            if wholeSeconds, positions.count == limit, let last = positions.last {
                let end = try Self.endOfSecond(at: last, on: connection)
                while positions.count < Self.maximumUpdates, let next = try merge.peek(on: connection), next <= end {
                    positions.append(next)
                    _ = try merge.next(on: connection)
                }
            }
            let end = positions.last ?? head
            positions.removeAll(where: excluded.contains)
            var page = try self.load(
                positions, ends: readable.ends, wholeSeconds: wholeSeconds, bodiesFor: bodies ? user : nil,
                on: connection)
            if page.isCut { return page }
            page.isCut = try merge.peek(on: connection) != nil
            page.cursor = page.isCut ? end : head
            return page
        }
    }

    /// The last position in the second of the event at `position`.
    private static func endOfSecond(
        at position: Position, on connection: any SQLConnection
    ) throws(StorageError) -> Position {
        let rows = try connection.rows("SELECT time_ms FROM events WHERE position = $1", [SQLValue(position)])
        guard let row = rows.first else { return position }
        var reader = RowReader(row)
        return try Self.position(
            before: Timestamp(seconds: try reader.time().seconds + 1), after: position, on: connection)
    }

    /// The objects that the events at these positions made or changed, each once, as they stand now.
    ///
    /// Cut where it is large enough; then, with `wholeSeconds`, before the second in which that is, unless it is the
    /// first.
    private func load(
        _ positions: [Position], ends: [Int64: Position], wholeSeconds: Bool, bodiesFor reader: UserID?,
        on connection: any SQLConnection
    ) throws(StorageError) -> UpdatePage {
        let loader = try MessageLoader(
            positions, dialect: engine.dialect, reader: reader, ends: ends, on: connection)
        var events = positions.compactMap { loader.events[$0] }
        var page = UpdatePage(cursor: .start)
        if let cut = Self.cut(events, wholeSeconds: wholeSeconds, size: loader.size) {
            events.removeSubrange(cut...)
            page.cursor = events.last?.position ?? .start
            page.isCut = true
        }
        var messages = DistinctValues<Position>()
        var flows = DistinctValues<Int64>()
        var users = DistinctValues<Int64>()
        for event in events {
            switch event.kind {
            case .message, .edit, .deletion:
                messages.insert(event.target)
                if event.kind == .message, loader.size(of: event.position) > 0 { page.new.insert(event.position) }
            case .flow, .join, .leave:
                if let flow = event.flow, ends[flow] == nil { flows.insert(flow) }
            case .user:
                if let user = event.subject { users.insert(user) }
            case .session, .contact, .key, .admin, .invite, nil: break
            }
        }
        page.messages = try loader.messages(at: messages.inOrder)
        page.flows = try rows(
            "SELECT \(Self.flowColumns) FROM \(Self.flowTables) WHERE f.deleted_ms IS NULL AND f.id", flows.inOrder,
            on: connection, Self.flow, by: \.id.rawValue)
        page.users = try rows(
            "SELECT \(Self.userColumns) FROM users u WHERE u.is_hidden = 0 AND u.id", users.inOrder, on: connection,
            Self.user, by: \.id.rawValue)
        return page
    }

    /// The records with these row numbers, in their order; `query` ends with the column of the number.
    private func rows<Record>(
        _ query: String, _ numbers: [Int64], on connection: any SQLConnection,
        _ record: (SQLRow) throws(StorageError) -> Record, by number: KeyPath<Record, Int64>
    ) throws(StorageError) -> [Record] {
        guard !numbers.isEmpty else { return [] }
        var records: [Int64: Record] = [:]
        for row in try connection.rows(
            "\(query) IN (SELECT number FROM \(engine.dialect.numbers) n)", [.numbers(numbers)])
        {
            let found = try record(row)
            records[found[keyPath: number]] = found
        }
        return numbers.compactMap { records[$0] }
    }

    /// The first of these events that a page does not hold; `nil` if it holds all.
    private static func cut(
        _ events: [MessageLoader.Event], wholeSeconds: Bool, size: (Position) -> Int
    ) -> Int? {
        var seen: Set<Position> = []
        var bytes = 0
        var secondStart = 0
        for (index, event) in events.enumerated() {
            let isNewSecond = index > 0 && events[index - 1].time.seconds != event.time.seconds
            if bytes > maximumPageBytes {
                return wholeSeconds && !isNewSecond && secondStart > 0 ? secondStart : index
            }
            if isNewSecond { secondStart = index }
            switch event.kind {
            case .message, .edit, .deletion:
                if seen.insert(event.target).inserted { bytes += size(event.target) }
            default: break
            }
        }
        return nil
    }
}

/// Values in the order in which each came first.
private struct DistinctValues<Value: Hashable> {
    private(set) var inOrder: [Value] = []
    private var seen: Set<Value> = []

    mutating func insert(_ value: Value) {
        if seen.insert(value).inserted { inOrder.append(value) }
    }
}
