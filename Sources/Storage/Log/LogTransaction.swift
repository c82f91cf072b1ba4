// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// One batch of writes inside one transaction: takes the head of the log, applies the writes in order, and gives every
/// accepted one its position.
///
/// The head's row lock lasts until the commit, so batches of all processes are serial: positions appear in order and without
/// gaps, `seq` and `number` need no other lock, and a check made here still holds when the batch commits.
struct LogTransaction {
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
    private var lastSession: Int64
    private(set) var events: [LogEvent] = []
    /// How many of `events` the table has already.
    private var insertedEvents = 0
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

    /// What was asked with the lock for the messages with which the batch begins.
    var firstAccess: [Pair: Access]?

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
        if !pairs.isEmpty { firstAccess = try access(from: answers[1]) }
    }

    /// The row number of a new flow: the one that is asked for, if neither it nor a higher one was given.
    mutating func nextFlow(_ wanted: Int64? = nil) -> Int64 {
        lastFlow = max(lastFlow + 1, wanted ?? 0)
        return lastFlow
    }

    /// The row number of a new session.
    mutating func nextSession() -> Int64 {
        lastSession += 1
        return lastSession
    }

    /// Applies `writes` in order; consecutive messages together.
    ///
    /// A refusal leaves nothing of its write behind.
    mutating func apply(_ writes: ArraySlice<Write>) throws(StorageError) -> [WriteOutcome] {
        var outcomes: [WriteOutcome] = []
        outcomes.reserveCapacity(writes.count)
        var index = writes.startIndex
        while index < writes.endIndex {
            var end = index
            while end < writes.endIndex, writes[end].isMessage { end += 1 }
            if end > index {
                outcomes += try appendMessages(writes[index..<end])
                index = end
            } else {
                outcomes.append(try applyOne(writes[index]))
                index += 1
            }
        }
        return outcomes
    }

    private mutating func applyOne(_ write: Write) throws(StorageError) -> WriteOutcome {
        do {
            let receipt = try perform(write)
            if let note = write.audit, !receipt.existed {
                try storing { try AuditChain(connection: connection).append(note, at: time) }
            }
            return .done(receipt)
        } catch {
            switch error {
            case .refusal(let refusal): return .refused(refusal)
            case .storage(let failure): throw failure
            }
        }
    }

    /// How a single write ends early.
    enum Failure: Error {
        case refusal(WriteRefusal)
        case storage(StorageError)
    }

    private mutating func perform(_ write: Write) throws(Failure) -> Receipt {
        // What follows may read events of this batch.
        try storing { try flush() }
        switch write.action {
        case .sendMessage:
            preconditionFailure("messages are appended together")
        case .editMessage(let flow, let message, let content, let blobs):
            return try editMessage(write, flow: flow, message: message, content: content, blobs: blobs)
        case .deleteMessage(let flow, let message):
            return try deleteMessage(write, flow: flow, message: message)
        case .importMessages(let messages):
            return try importMessages(write, messages)
        case .createUser(let user, let session, let admin, let invite):
            return try createUser(write, user, session: session, admin: admin, invite: invite)
        case .updateUser(let user, let changes):
            return try updateUser(write, user, changes)
        case .setPassword(let user, let hash, let keeping, let secret):
            return try setPassword(write, user, hash: hash, keeping: keeping, challengeSecret: secret)
        case .upgradePasswordHash(let user, let hash, let old, let secret):
            return try upgradePasswordHash(write, user, hash: hash, replacing: old, challengeSecret: secret)
        case .setChallengeSecret(let user, let secret, let verified):
            return try setChallengeSecret(write, user, secret, verified: verified)
        case .deleteUser(let user):
            return try deleteUser(write, user)
        case .openSession(let user, let session, let verified):
            return try openSession(write, user, session, verified: verified)
        case .revokeSessions(let user, let session):
            return try revokeSessions(write, user, session)
        case .createFlow(let flow):
            return try createFlow(write, flow)
        case .updateFlow(let flow, let title, let info, let kind, let owner):
            return try updateFlow(write, flow, title: title, info: info, kind: kind, owner: owner)
        case .deleteFlow(let flow):
            return try deleteFlow(write, flow)
        case .addMember(let flow, let user):
            return try addMember(write, flow, user)
        case .removeMember(let flow, let user):
            return try removeMember(write, flow, user)
        case .markBridged(let flow):
            return try markBridged(write, flow)
        case .addContact(let user, let contact):
            return try addContact(write, contact, to: user)
        case .removeContact(let user, let contact):
            return try removeContact(write, contact, of: user)
        case .putKey(let user, let device, let kind, let publicKey):
            return try putKey(write, of: user, device: device, kind: kind, publicKey: publicKey)
        case .setLimits(let user, let limits):
            return try setLimits(write, user, limits)
        case .createInvite(let invite):
            return try createInvite(write, invite)
        case .revokeInvite(let codeHash):
            return try revokeInvite(write, codeHash)
        case .createAdmin(let admin):
            return try createAdmin(write, admin)
        case .deleteAdmin(let username):
            return try deleteAdmin(write, username: username)
        case .setTOTP(let username, let secret):
            return try setTOTP(write, of: username, secret)
        case .createAdminToken(let token):
            return try createAdminToken(write, token)
        case .revokeAdminToken(let hash):
            return try revokeAdminToken(write, hash)
        case .record:
            return appendRecord(write)
        }
    }

    /// Bridges a storage call into a function that may also refuse.
    @discardableResult
    func storing<Value>(_ body: () throws -> Value) throws(Failure) -> Value {
        do { return try body() } catch { throw .storage(StorageError(thrown: error)) }
    }

    /// Bridges a storage call that changes this value.
    mutating func changing<Value>(
        _ body: (inout LogTransaction) throws -> Value
    ) throws(Failure) -> Value {
        do { return try body(&self) } catch { throw .storage(StorageError(thrown: error)) }
    }

    // MARK: Appending

    /// Appends an event that belongs to no flow.
    mutating func appendAccountEvent(
        _ write: Write, _ kind: LogEvent.Kind, subject: Int64?, content: [UInt8] = LogTransaction.emptyObject
    ) -> Position {
        position = Position(position.rawValue + 1)
        events.append(
            LogEvent(
                position: position, time: time, uuid: write.uuid, kind: kind, flow: nil, seq: nil, number: nil,
                sender: write.author, subject: subject, content: content, replaces: nil, protocol: write.protocol))
        return position
    }

    /// Appends an event to a flow whose state `load` has fetched.
    mutating func appendFlowEvent(
        _ write: Write, _ kind: LogEvent.Kind, to flow: FlowID, subject: Int64? = nil,
        content: [UInt8] = LogTransaction.emptyObject, replaces: Position? = nil, at ownTime: Timestamp? = nil
    ) -> LogEvent {
        guard var state = flows[flow] else { preconditionFailure("the flow's state is loaded before appending") }
        position = Position(position.rawValue + 1)
        let event = LogEvent(
            position: position, time: ownTime ?? time, uuid: write.uuid, kind: kind, flow: flow, seq: state.eventCount,
            number: kind == .message ? state.messageCount : nil, sender: write.author, subject: subject,
            content: content, replaces: replaces, protocol: write.protocol)
        state.eventCount += 1
        if kind == .message { state.messageCount += 1 }
        state.head = position
        state.isDirty = true
        flows[flow] = state
        events.append(event)
        return event
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

    /// Writes the events and counters that only this value has so far.
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

    private static let eventInsertion = SQLInsertion(
        into: "events",
        columns: [
            ("position", .int), ("flow_id", .int), ("seq", .int), ("number", .int), ("uuid", .bytes), ("type", .text),
            ("state_key", .text), ("sender_id", .int), ("time_ms", .int), ("content", .bytes), ("replaces", .int),
            ("protocol", .text),
        ])
}

extension Write {
    var isMessage: Bool {
        if case .sendMessage = action { true } else { false }
    }
}
