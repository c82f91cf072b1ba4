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
    ///
    /// What the server cannot read says it in its header.
    var text: String?
    /// Only whom it was encrypted for can read it.
    var isSealed = false
    /// What happened to an account or a conversation.
    var what: String?
    var replaces: Int64?
    /// What says now what a message says: its last edit, or its deletion.
    var replacedBy: Int64?

    /// The whole log.
    static func all(in database: SimulatedDatabase) throws -> [LogLine] {
        try database.read { connection in
            try connection.rows(
                """
                SELECT position, time_ms, uuid, type, flow_id, seq, number, sender_id, state_key, content, replaces,
                    replaced_by
                FROM events ORDER BY position
                """)
        }.get().map { row in
            var line = LogLine(
                position: int(row[0]) ?? 0, time: int(row[1]) ?? 0, uuid: uuid(row[2]), kind: text(row[3]),
                flow: int(row[4]), seq: int(row[5]), number: int(row[6]), sender: int(row[7]),
                subject: Int64(text(row[8])), replaces: int(row[10]), replacedBy: int(row[11]))
            guard case .bytes(let bytes) = row[9], let content = try? JSONValue.parse(bytes) else { return line }
            line.text = content["text"]?.string
            line.what = content["what"]?.string
            if let header = content["envelope"]?["header"]?.string {
                line.isSealed = true
                line.text = (try? JSONValue.parse(Array(header.utf8)))?["time"]?.string
            }
            return line
        }
    }

    /// Where a clock that was ahead let the log's time go back.
    static func steps(in database: SimulatedDatabase) throws -> Set<Int64> {
        try Set(numbers("SELECT position FROM log_steps", in: database).compactMap(\.first))
    }

    /// The members of every conversation from its beginning, as the table has them.
    static func founders(in database: SimulatedDatabase) throws -> [Int64: [Int64]] {
        let rows = try numbers(
            """
            SELECT m.flow_id, m.user_id FROM flow_members m
            JOIN events e ON e.flow_id = m.flow_id AND e.seq = 0 AND e.position = m.joined_position
            """, in: database)
        return Dictionary(grouping: rows, by: { $0[0] }).mapValues { $0.map { $0[1] } }
    }

    private static func numbers(_ query: String, in database: SimulatedDatabase) throws -> [[Int64]] {
        try database.read { connection in try connection.rows(query) }.get().map { $0.compactMap(int) }
    }

    static func int(_ value: SQLValue) -> Int64? {
        if case .int(let number) = value { number } else { nil }
    }

    private static func text(_ value: SQLValue) -> String {
        if case .text(let text) = value { text } else { "" }
    }

    private static func uuid(_ value: SQLValue) -> String {
        guard case .bytes(let bytes) = value, let uuid = Identifier(bytes: bytes) else { return "" }
        return uuid.description
    }
}
