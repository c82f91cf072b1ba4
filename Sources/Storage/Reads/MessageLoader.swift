// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Reads the messages of a page, each kind of thing with one statement, however many there are.
///
/// Sizes come first, so that a page of large contents is never in memory whole.
struct MessageLoader {
    /// An event as it stands in the log.
    struct Event {
        var position: Position
        var time: Timestamp
        var kind: LogEvent.Kind?
        var flow: Int64?
        var subject: Int64?
        var replaces: Position?
        var replacedBy: Position?
        var number: Int64?
        var uuid: Identifier
        var sender: Int64?
        /// The bytes of its content.
        var size: Int64
        /// The content, unless that is large.
        var content: [UInt8]?

        /// The message that it is or changes.
        var target: Position { replaces ?? position }
    }

    /// Longer contents are read when it is known that the page holds them.
    private static let smallContentBytes = 2048

    private let dialect: SQLDialect
    private let connection: any SQLConnection
    /// Whose own part of encrypted messages is read.
    private let reader: UserID?
    /// Where the reader left flows: the edits that came there or later are taken back.
    private let ends: [Int64: Position]
    /// Where the messages are that were asked for by a condition.
    private(set) var positions: [Position] = []
    private(set) var events = Events()
    /// The last edit of a message before the reader left, where there is a later one.
    private var earlierEdits: [Position: Position] = [:]
    private var flows: [Int64: Identifier] = [:]
    private var users: [Int64: Identifier] = [:]
    private var blobBytes: [Position: Int64] = [:]
    private var bodyBytes: [Position: Int64] = [:]

    /// Events that are found by their position.
    struct Events {
        private var sorted: [Event] = []

        mutating func add(_ events: [Event]) {
            let isInOrder = sorted.isEmpty && zip(events, events.dropFirst()).allSatisfy { $0.position < $1.position }
            sorted += events
            if !isInOrder { sorted.sort { $0.position < $1.position } }
        }

        var all: [Event] { sorted }

        subscript(position: Position) -> Event? {
            var low = 0
            var high = sorted.count
            while low < high {
                let middle = (low + high) / 2
                if sorted[middle].position < position { low = middle + 1 } else { high = middle }
            }
            return low < sorted.count && sorted[low].position == position ? sorted[low] : nil
        }
    }

    /// Reads the events at these positions, and all that is needed to know how large their messages are.
    init(
        _ positions: [Position], dialect: SQLDialect, reader: UserID? = nil, ends: [Int64: Position] = [:],
        on connection: any SQLConnection
    ) throws(StorageError) {
        self.init(dialect: dialect, reader: reader, ends: ends, on: connection)
        try read(positions)
        try read(events.all.compactMap(\.replaces))
        try readRest()
    }

    /// The same for the messages for which a condition on the event `e` holds, in its order.
    init(
        messages condition: String, _ arguments: [SQLValue], limit: Int, dialect: SQLDialect, reader: UserID?,
        ends: [Int64: Position], on connection: any SQLConnection
    ) throws(StorageError) {
        self.init(dialect: dialect, reader: reader, ends: ends, on: connection)
        let found = try events(
            SQLStatement(
                """
                \(Self.columns) FROM events e
                JOIN flows f ON f.id = e.flow_id AND f.deleted_ms IS NULL
                WHERE e.number IS NOT NULL AND \(condition) LIMIT $\(arguments.count + 1)
                """, arguments + [SQLValue(limit: limit)]))
        positions = found.map(\.position)
        events.add(found)
        try readRest()
    }

    private init(dialect: SQLDialect, reader: UserID?, ends: [Int64: Position], on connection: any SQLConnection) {
        self.dialect = dialect
        self.connection = connection
        self.reader = reader
        self.ends = ends
    }

    private mutating func readRest() throws(StorageError) {
        try read(events.all.compactMap { $0.number == nil ? nil : $0.replacedBy })
        if !ends.isEmpty { try findEarlierEdits() }
        try readSurroundings()
    }

    // MARK: Messages

    /// The bytes of memory that a message takes, about; 0 if there is none at this position.
    func size(of position: Position) -> Int {
        guard let message = events[position], isMessage(message) else { return 0 }
        let change = replacement(of: message)
        let content = message.size + (change?.kind == .edit ? change?.size ?? 0 : 0)
        return 256 + Int(content + (blobBytes[position] ?? 0) + (bodyBytes[position] ?? 0))
    }

    /// The messages at these positions, in this order; those that are not there or belong to a deleted flow are
    /// missing.
    func messages(at positions: some Sequence<Position>) throws(StorageError) -> [MessageRecord] {
        var found: [(message: Event, change: Event?)] = []
        var large: [Position] = []
        for position in positions {
            guard let message = events[position], isMessage(message) else { continue }
            let change = replacement(of: message)
            if message.content == nil { large.append(position) }
            if let change, change.content == nil { large.append(change.position) }
            found.append((message, change))
        }
        let contents = try largeContents(at: large)
        let blobs =
            try blobBytes.isEmpty ? [:] : blobs(of: found.map(\.message.position).filter { blobBytes[$0] != nil })
        let bodies =
            try bodyBytes.isEmpty ? [:] : bodies(of: found.map(\.message.position).filter { bodyBytes[$0] != nil })
        func content(_ event: Event) -> [UInt8] { event.content ?? contents[event.position] ?? [] }
        return found.compactMap { message, change in
            guard let flow = message.flow, let flowUUID = flows[flow], let sender = message.sender,
                let senderUUID = users[sender]
            else { return nil }
            return MessageRecord(
                position: message.position, flow: FlowID(flow), flowUUID: flowUUID, number: message.number ?? 0,
                uuid: message.uuid, sender: UserID(sender), senderUUID: senderUUID, time: message.time,
                content: content(message), blobs: blobs[message.position] ?? [:],
                change: change.map {
                    $0.kind == .deletion ? .deleted($0.time) : .edited($0.time, content: content($0))
                }, body: bodies[message.position])
        }
    }

    /// The messages at these positions until the page is large enough.
    func page(
        of positions: some Collection<Position>, maximumBytes: Int = Storage.maximumPageBytes
    ) throws(StorageError) -> MessagePage {
        var bytes = 0
        let fitting = positions.prefix { position in
            defer { bytes += size(of: position) }
            return bytes <= maximumBytes
        }
        return MessagePage(
            messages: try messages(at: fitting), isCut: fitting.count < positions.count)
    }

    private func isMessage(_ event: Event) -> Bool {
        event.number != nil && event.flow.map { flows[$0] != nil } == true
            && event.sender.map { users[$0] != nil } == true
    }

    /// The deletion or the newest edit of a message.
    private func replacement(of message: Event) -> Event? {
        guard let newest = message.replacedBy.flatMap({ events[$0] }) else { return nil }
        if newest.kind != .deletion, let end = message.flow.flatMap({ ends[$0] }), newest.position >= end {
            return earlierEdits[message.position].flatMap { events[$0] }
        }
        return newest
    }

    // MARK: Statements

    private static func numbers(_ positions: some Sequence<Position>) -> SQLValue {
        .numbers(positions.map(\.rawValue))
    }

    private static let columns = """
        SELECT e.position, e.time_ms, e.type, e.flow_id, e.state_key, e.replaces, e.replaced_by, e.number, e.uuid,
            e.sender_id, length(e.content), CASE WHEN length(e.content) <= \(smallContentBytes) THEN e.content END
        """

    private mutating func read(_ positions: [Position]) throws(StorageError) {
        let missing = Set(positions.filter { events[$0] == nil })
        guard !missing.isEmpty else { return }
        events.add(
            try events(
                SQLStatement(
                    """
                    \(Self.columns) FROM events e
                    WHERE e.position IN (SELECT number FROM \(dialect.numbers) n)
                    """, [Self.numbers(missing.sorted())])))
    }

    private func events(_ statement: SQLStatement) throws(StorageError) -> [Event] {
        var found: [Event] = []
        try connection.forEachRow(of: statement) { (reader) throws(StorageError) in
            found.append(
                Event(
                    position: try reader.position(), time: try reader.time(),
                    kind: LogEvent.Kind(rawValue: try reader.text()),
                    flow: try reader.optionalInt(), subject: try reader.optionalText().flatMap { Int64($0) },
                    replaces: try reader.optionalInt().map { Position($0) },
                    replacedBy: try reader.optionalInt().map { Position($0) }, number: try reader.optionalInt(),
                    uuid: try reader.identifier(), sender: try reader.optionalInt(), size: try reader.int(),
                    content: try reader.optionalBytes()))
        }
        return found
    }

    /// For messages that were edited after the reader had left.
    private mutating func findEarlierEdits() throws(StorageError) {
        var edited: [Position: [Position]] = [:]
        for message in events.all {
            guard let end = message.flow.flatMap({ ends[$0] }), let newest = message.replacedBy, newest >= end,
                events[newest]?.kind != .deletion
            else { continue }
            edited[end, default: []].append(message.position)
        }
        for (end, messages) in edited {
            let rows = try connection.rows(
                """
                SELECT replaces, max(position) FROM events
                WHERE replaces IN (SELECT number FROM \(dialect.numbers) n) AND position < $2
                GROUP BY replaces
                """, [Self.numbers(messages), SQLValue(end)])
            for row in rows {
                var reader = RowReader(row)
                earlierEdits[try reader.position()] = try reader.position()
            }
        }
        try read(Array(earlierEdits.values))
    }

    private mutating func readSurroundings() throws(StorageError) {
        let messages = events.all.filter { $0.number != nil }
        guard let first = messages.first, let last = messages.last else { return }
        var statements = [
            SQLStatement(
                """
                SELECT id, uuid FROM flows
                WHERE deleted_ms IS NULL AND id IN (SELECT number FROM \(dialect.numbers) n)
                """, [.numbers(Array(Set(messages.lazy.compactMap(\.flow))))]),
            SQLStatement(
                "SELECT id, uuid FROM users WHERE id IN (SELECT number FROM \(dialect.numbers) n)",
                [.numbers(Array(Set(messages.lazy.compactMap(\.sender))))]),
            // Most pages have no attachments, which one look tells.
            SQLStatement(
                "SELECT position FROM blob_refs WHERE position >= $1 AND position <= $2 LIMIT 1",
                [SQLValue(first.position), SQLValue(last.position)]),
        ]
        if let reader {
            statements.append(
                SQLStatement(
                    """
                    SELECT position, length(body) + length(key) FROM event_bodies
                    WHERE position IN (SELECT number FROM \(dialect.numbers) n) AND user_id = $2
                    """, [Self.numbers(messages.lazy.map(\.position)), SQLValue(reader)]))
        }
        let answers = try connection.rows(pipelined: statements)
        flows = try Self.identifiers(answers[0])
        users = try Self.identifiers(answers[1])
        if !answers[2].isEmpty {
            blobBytes = try Self.sizes(
                connection.rows(
                    """
                    SELECT r.position, CAST(sum(length(b.bytes)) AS BIGINT)
                    FROM blob_refs r
                    JOIN blobs b ON b.sha256 = r.sha256
                    WHERE r.position IN (SELECT number FROM \(dialect.numbers) n)
                    GROUP BY r.position
                    """, [Self.numbers(messages.lazy.map(\.position))]))
        }
        if reader != nil { bodyBytes = try Self.sizes(answers[3]) }
    }

    private static func identifiers(_ rows: [SQLRow]) throws(StorageError) -> [Int64: Identifier] {
        var identifiers: [Int64: Identifier] = [:]
        for row in rows {
            var reader = RowReader(row)
            identifiers[try reader.int()] = try reader.identifier()
        }
        return identifiers
    }

    private static func sizes(_ rows: [SQLRow]) throws(StorageError) -> [Position: Int64] {
        var sizes: [Position: Int64] = [:]
        for row in rows {
            var reader = RowReader(row)
            sizes[try reader.position()] = try reader.int()
        }
        return sizes
    }

    private func largeContents(at large: [Position]) throws(StorageError) -> [Position: [UInt8]] {
        guard !large.isEmpty else { return [:] }
        let rows = try connection.rows(
            "SELECT position, content FROM events WHERE position IN (SELECT number FROM \(dialect.numbers) n)",
            [Self.numbers(large)])
        var contents: [Position: [UInt8]] = [:]
        for row in rows {
            var reader = RowReader(row)
            contents[try reader.position()] = try reader.bytes()
        }
        return contents
    }

    private func blobs(of positions: [Position]) throws(StorageError) -> [Position: [String: [UInt8]]] {
        guard !positions.isEmpty else { return [:] }
        let rows = try connection.rows(
            """
            SELECT r.position, r.name, b.bytes
            FROM blob_refs r
            JOIN blobs b ON b.sha256 = r.sha256
            WHERE r.position IN (SELECT number FROM \(dialect.numbers) n)
            """, [Self.numbers(positions)])
        var blobs: [Position: [String: [UInt8]]] = [:]
        for row in rows {
            var reader = RowReader(row)
            blobs[try reader.position(), default: [:]][try reader.text()] = try reader.bytes()
        }
        return blobs
    }

    private func bodies(of positions: [Position]) throws(StorageError) -> [Position: MessageBody] {
        guard let user = reader else { return [:] }
        return try Storage.bodies(at: positions, for: user, dialect: dialect, on: connection)
    }
}
