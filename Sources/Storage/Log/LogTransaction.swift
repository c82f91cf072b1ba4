// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// One batch of writes inside one transaction: takes the head of the log, applies the writes in order, and gives every
/// accepted one its position.
///
/// The head's row lock lasts until the commit, so batches of all processes are serial: positions appear in order and
/// without gaps, `seq` and `number` need no other lock, and a check made here still holds when the batch commits.
package struct LogTransaction {
    let connection: any SQLConnection
    let dialect: SQLDialect
    /// The batch's time: not before that of the batch before it, unless the log steps back; see `LogStep`.
    let time: Timestamp
    /// The time of the newest event before this batch.
    let before: Timestamp
    /// The last position given.
    private(set) var position: Position
    /// The row numbers given last: none is given twice, whatever is deleted.
    private var lastFlow: Int64
    /// The newest session of all: what was opened before has no higher number.
    private(set) var lastSession: Int64
    private(set) var events: [LogEvent] = []
    /// How many of `events` the table has already.
    private var insertedEvents = 0
    /// Rows of encrypted bodies that the table does not have yet.
    private var bodyRows: [SQLRow] = []
    /// Whose write is being applied.
    var origin = WriteOrigin(uuid: Identifier(0), author: nil)
    /// The flows that this batch appended to, with their counters.
    private var flows: [FlowID: FlowState] = [:]

    /// What a batch must know of a flow to append to it.
    struct FlowState {
        var kind: FlowRecord.Kind
        var isPublic: Bool
        var owner: UserID
        var eventCount: Int64
        var messageCount: Int64
        var isDirty = false
        var head: Position = .start
    }

    /// What was asked for the messages that are being applied, of those with which the batch begins together with the
    /// lock.
    private var accessOfRun: [Pair: Access]?

    /// Takes the lock, and in the same round trip asks what the messages with which `writes` begin need.
    ///
    /// `now` counts unless the log's time is a little later already; see `LogStep`.
    init(
        _ connection: any SQLConnection, dialect: SQLDialect, now: Timestamp, beginningWith writes: [Write] = []
    ) throws(StorageError) {
        self.connection = connection
        self.dialect = dialect
        let pairs = Self.pairs(of: writes.prefix { $0.isMessage })
        let head = SQLStatement(
            """
            UPDATE log_head SET position = position WHERE id = 1
            RETURNING position, time_ms, last_flow, last_session
            """)
        let answers = try connection.rows(
            pipelined: pairs.isEmpty ? [head] : [head, Self.accessStatement(pairs, dialect)])
        guard let row = answers[0].first else {
            throw StorageError(.unusable, "The database has lost the head of its log. Restore it from a backup.")
        }
        var reader = RowReader(row)
        position = try reader.position()
        let last = try reader.time()
        lastFlow = try reader.int()
        lastSession = try reader.int()
        before = last
        time = try LogStep.time(after: last, at: position, now: now, on: connection)
        if !pairs.isEmpty { accessOfRun = try access(from: answers[1]) }
    }

    /// The row number of a new flow: the one that is asked for, if neither it nor a higher one was given.
    mutating func nextFlow(_ wanted: Int64? = nil) -> FlowID {
        lastFlow = max(lastFlow + 1, wanted ?? 0)
        return FlowID(lastFlow)
    }

    /// The row number of a new session.
    mutating func nextSession() -> SessionID {
        lastSession += 1
        return SessionID(lastSession)
    }

    /// Applies `writes` in order; what consecutive messages need to know is asked for in one statement.
    ///
    /// A refusal leaves nothing of its write behind.
    mutating func apply(_ writes: ArraySlice<Write>) throws(StorageError) -> [WriteOutcome<any Sendable>] {
        var outcomes: [WriteOutcome<any Sendable>] = []
        outcomes.reserveCapacity(writes.count)
        var index = writes.startIndex
        while index < writes.endIndex {
            let run = writes[index...].prefix { $0.isMessage }
            if run.isEmpty {
                // A change may read events of this batch.
                try flush()
                outcomes.append(try apply(writes[index]))
                index += 1
            } else {
                if accessOfRun == nil { try loadAccess(of: Self.pairs(of: run)) }
                for write in run { outcomes.append(try apply(write)) }
                index = run.endIndex
            }
            accessOfRun = nil
        }
        return outcomes
    }

    private mutating func apply(_ write: Write) throws(StorageError) -> WriteOutcome<any Sendable> {
        origin = write.origin
        let before = position
        do {
            let result: any Sendable =
                switch write.action {
                case .message(let message): try message.apply(to: &self)
                case .change(let change): try change.apply(to: &self)
                }
            let existed = position == before
            if let note = write.audit, !existed {
                try AuditChain(connection: connection).append(note, at: time)
            }
            return .done(Receipt(position: position, time: time, existed: existed, result: result))
        } catch let refusal as WriteRefusal {
            return .refused(refusal)
        } catch {
            throw StorageError(thrown: error)
        }
    }

    // MARK: Appending

    /// Appends an event that belongs to no flow.
    mutating func append(
        _ kind: LogEvent.Kind, of subject: Int64?, content: [UInt8] = LogTransaction.emptyObject
    ) {
        position = Position(position.rawValue + 1)
        events.append(
            LogEvent(
                position: position, time: time, uuid: origin.uuid, kind: kind, flow: nil, seq: nil, number: nil,
                sender: origin.author, subject: subject, content: content, replaces: nil, protocol: origin.protocol))
    }

    /// The same for an event that only says in a word what happened, to an account if it was to one.
    mutating func append(_ kind: LogEvent.Kind, of user: UserID?, _ word: StaticString) {
        append(kind, of: user?.rawValue, content: LogEvent.what(word))
    }

    /// Appends an event to a flow whose state is loaded.
    @discardableResult
    mutating func append(
        _ kind: LogEvent.Kind, to flow: FlowID, of subject: UserID? = nil,
        content: [UInt8] = LogTransaction.emptyObject, replaces: Position? = nil, at ownTime: Timestamp? = nil
    ) -> Position {
        guard var state = flows[flow] else { preconditionFailure("the flow's state is loaded before appending") }
        position = Position(position.rawValue + 1)
        events.append(
            LogEvent(
                position: position, time: ownTime ?? time, uuid: origin.uuid, kind: kind, flow: flow,
                seq: state.eventCount, number: kind == .message ? state.messageCount : nil, sender: origin.author,
                subject: subject?.rawValue, content: content, replaces: replaces, protocol: origin.protocol))
        state.eventCount += 1
        if kind == .message { state.messageCount += 1 }
        state.head = position
        state.isDirty = true
        flows[flow] = state
        return position
    }

    /// Lets the log's time begin again at an earlier one, if the newest event is later.
    func stepBack(to time: Timestamp) throws(StorageError) {
        let last = events.last?.time ?? before
        guard time < last else { return }
        try LogStep.note(at: position, from: last, to: time, on: connection)
    }

    func state(of flow: FlowID) -> FlowState? { flows[flow] }

    mutating func remember(_ state: FlowState, of flow: FlowID) {
        // A state that this batch has already appended to is newer than what the table says.
        if flows[flow] == nil { flows[flow] = state }
    }

    /// Notes what this batch changed of a flow whose state is loaded.
    mutating func note(kind: FlowRecord.Kind, owner: UserID, of flow: FlowID) {
        flows[flow]?.kind = kind
        flows[flow]?.owner = owner
    }

    mutating func forget(_ flow: FlowID) {
        flows[flow] = nil
    }

    /// Asks what must be known for the messages that follow.
    mutating func loadAccess(of pairs: Set<Pair>) throws(StorageError) { accessOfRun = try access(of: pairs) }

    /// What `loadAccess` has found of an account in a flow; nothing if there is no such flow.
    func access(of user: UserID, in flow: FlowID) -> Access? { accessOfRun?[Pair(flow: flow, user: user)] }

    /// Keeps the bodies for those who see the flow, one for each.
    mutating func store(_ bodies: [NewBody], at position: Position, in flow: FlowID) {
        guard !bodies.isEmpty else { return }
        let isPublic = state(of: flow)?.isPublic == true
        var recipients: Set<UserID> = []
        for body in bodies {
            guard let access = access(of: body.recipient, in: flow), !access.accountDeleted,
                isPublic || access.isMember, recipients.insert(body.recipient).inserted
            else { continue }
            bodyRows.append([SQLValue(position), SQLValue(body.recipient), .bytes(body.body), .bytes(body.key)])
        }
    }

    /// Writes what only this value has so far: events, counters and bodies.
    mutating func flush() throws(StorageError) {
        if insertedEvents < events.count {
            try connection.insert(
                LogTransaction.eventInsertion,
                rows: events[insertedEvents...].map { event in
                    [
                        SQLValue(event.position), SQLValue(event.flow?.rawValue), SQLValue(event.seq),
                        SQLValue(event.number), SQLValue(event.uuid), .text(event.kind.rawValue),
                        event.subject.map { .text(String($0)) } ?? .null, SQLValue(event.sender?.rawValue),
                        SQLValue(event.time), .bytes(event.content), SQLValue(event.replaces?.rawValue),
                        event.protocol.map { .text($0) } ?? .null,
                    ]
                })
            insertedEvents = events.count
        }
        let heads = flows.filter(\.value.isDirty).sorted { $0.key.rawValue < $1.key.rawValue }
        try connection.insert(
            LogTransaction.headInsertion,
            rows: heads.map { flow, state in
                [
                    SQLValue(flow), SQLValue(state.isPublic), .int(state.eventCount), .int(state.messageCount),
                    SQLValue(state.head),
                ]
            })
        for (flow, _) in heads { flows[flow]?.isDirty = false }
        try connection.insert(LogTransaction.bodyInsertion, rows: bodyRows)
        bodyRows = []
    }

    /// Writes what is left, moves the head and leaves a hint for the other processes.
    ///
    /// The caller commits.
    mutating func finish() throws(StorageError) {
        try flush()
        var statements = [
            SQLStatement(
                "UPDATE log_head SET position = $1, time_ms = $2, last_flow = $3, last_session = $4 WHERE id = 1",
                [SQLValue(position), SQLValue(events.last?.time ?? time), .int(lastFlow), .int(lastSession)])
        ]
        if let notify = dialect.notify, let news = LogNews(events) {
            statements.append(SQLStatement(notify, [.text(news.text)]))
        }
        try connection.post(statements)
    }

    static let emptyObject = Array("{}".utf8)

    private static let headInsertion = SQLInsertion(
        into: "flow_heads",
        columns: [
            ("flow_id", .int), ("is_public", .int), ("event_count", .int), ("message_count", .int),
            ("head_position", .int),
        ],
        onConflict: """
            ON CONFLICT (flow_id) DO UPDATE SET event_count = excluded.event_count,
                message_count = excluded.message_count, head_position = excluded.head_position
            """)

    private static let bodyInsertion = SQLInsertion(
        into: "event_bodies", columns: [("position", .int), ("user_id", .int), ("body", .bytes), ("key", .bytes)])

    private static let eventInsertion = SQLInsertion(
        into: "events",
        columns: [
            ("position", .int), ("flow_id", .int), ("seq", .int), ("number", .int), ("uuid", .bytes), ("type", .text),
            ("state_key", .text), ("sender_id", .int), ("time_ms", .int), ("content", .bytes), ("replaces", .int),
            ("protocol", .text),
        ])
}
