// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import Storage

/// An entry of the log as the table has it in the end, read without the program's own reads.
struct LogLine {
    var position: Int64
    var time: Int64
    var uuid: String
    var kind: String
    var flow: Int64?
    var seq: Int64?
    var number: Int64?
    var sender: Int64?
    var subject: Int64?
    /// What the content says; `nil` if it was overwritten.
    var text: String?
    var replaces: Int64?

    /// The whole log.
    static func all(in database: SimulatedDatabase) throws -> [LogLine] {
        try database.read { (connection) throws(StorageError) in
            try connection.rows(
                """
                SELECT position, time_ms, uuid, type, flow_id, seq, number, sender_id, state_key, content, replaces
                FROM events ORDER BY position
                """)
        }.get().map { row in
            LogLine(
                position: int(row[0]) ?? 0, time: int(row[1]) ?? 0, uuid: uuid(row[2]), kind: text(row[3]),
                flow: int(row[4]), seq: int(row[5]), number: int(row[6]), sender: int(row[7]),
                subject: Int64(text(row[8])), text: content(row[9]), replaces: int(row[10]))
        }
    }

    private static func int(_ value: SQLValue) -> Int64? {
        if case .int(let number) = value { number } else { nil }
    }

    private static func text(_ value: SQLValue) -> String {
        if case .text(let text) = value { text } else { "" }
    }

    private static func uuid(_ value: SQLValue) -> String {
        guard case .bytes(let bytes) = value, let uuid = Identifier(bytes: bytes) else { return "" }
        return uuid.description
    }

    private static func content(_ value: SQLValue) -> String? {
        guard case .bytes(let bytes) = value else { return nil }
        return (try? JSONValue.parse(bytes))?["text"]?.string
    }
}

/// When accounts were in flows, from the log alone: positions between which they saw what was said.
struct Memberships {
    private struct Place: Hashable {
        var flow: Int64
        var account: Int64
    }

    private var intervals: [Place: [ClosedRange<Int64>]] = [:]
    private var publicFlows: Set<Int64> = []

    init(_ log: [LogLine], conversations: [Conversation], founders: [ObjectIdentifier: [Account]]) {
        var open: [Place: Int64] = [:]
        for line in log {
            guard let flow = line.flow else { continue }
            switch line.kind {
            case "flow":
                guard line.seq == 0, let conversation = conversations.first(where: { $0.id.rawValue == flow }) else {
                    continue
                }
                if conversation.isPublic { publicFlows.insert(flow) }
                for account in founders[ObjectIdentifier(conversation)] ?? [] {
                    open[Place(flow: flow, account: account.id.rawValue)] = line.position
                }
            case "join": if let subject = line.subject { open[Place(flow: flow, account: subject)] = line.position }
            case "leave":
                guard let subject = line.subject,
                    let began = open.removeValue(forKey: Place(flow: flow, account: subject))
                else { continue }
                intervals[Place(flow: flow, account: subject), default: []].append(began...line.position)
            default: continue
            }
        }
        for (place, began) in open { intervals[place, default: []].append(began...Int64.max) }
    }

    /// Whether an account was in a flow when something was said at `position`.
    func includes(_ account: Account, in flow: Int64, at position: Int64) -> Bool {
        publicFlows.contains(flow)
            || (intervals[Place(flow: flow, account: account.id.rawValue)] ?? []).contains { $0.contains(position) }
    }

    /// Whether an account may ask for what was said at `position`: it was in the flow then or later.
    func mayAsk(_ account: Account, in flow: Int64, at position: Int64) -> Bool {
        publicFlows.contains(flow)
            || (intervals[Place(flow: flow, account: account.id.rawValue)] ?? []).contains {
                position <= $0.upperBound
            }
    }
}
