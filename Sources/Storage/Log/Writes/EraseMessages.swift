// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Appends one deletion for several messages of a flow that are not to be kept any longer, and overwrites what they
    /// and their edits said: no client is told of each.
    ///
    /// Those that are deleted already, or are not there, are left out.
    package struct EraseMessages: LogWrite {
        let flow: FlowID
        let messages: [Position]

        package init(flow: FlowID, messages: [Position]) {
            self.flow = flow
            self.messages = messages
        }

        package func apply(to log: inout LogTransaction) throws {
            _ = try log.accessOfAuthor(to: flow)
            let numbers = "(SELECT number FROM \(log.dialect.numbers) n)"
            let present = try log.connection.rows(
                """
                SELECT e.position FROM events e
                LEFT JOIN events r ON r.position = e.replaced_by
                WHERE e.position IN \(numbers) AND e.flow_id = $2 AND e.number IS NOT NULL
                    AND (r.type IS NULL OR r.type <> 'deletion')
                ORDER BY e.position
                """, [.numbers(messages.map(\.rawValue)), SQLValue(flow)]
            ).map { row in
                var reader = RowReader(row)
                return try reader.position()
            }
            guard !present.isEmpty else { return }
            let deletion = log.append(.deletion, to: flow, content: LogEvent.erasing(present))
            let nothing = SQLValue.bytes(LogTransaction.emptyObject)
            let list = SQLValue.numbers(present.map(\.rawValue))
            // SQLite numbers arguments as they appear.
            let erased = "WITH erased AS (SELECT number FROM \(log.dialect.numbers) n)"
            _ = try log.connection.rows(pipelined: [
                SQLStatement(
                    """
                    \(erased)
                    UPDATE events SET content = $2, replaced_by = $3 WHERE position IN (SELECT number FROM erased)
                    """, [list, nothing, SQLValue(deletion)]),
                SQLStatement(
                    "\(erased) UPDATE events SET content = $2 WHERE replaces IN (SELECT number FROM erased)",
                    [list, nothing]),
                SQLStatement("DELETE FROM blob_refs WHERE position IN \(numbers)", [list]),
                SQLStatement("DELETE FROM event_bodies WHERE position IN \(numbers)", [list]),
            ])
        }
    }
}

extension LogEvent {
    private static let erasedOpening = Array(#"{"messages":["#.utf8)
    private static let erasedEnd = Array("]}".utf8)

    /// The content of a deletion of several messages.
    static func erasing(_ messages: [Position]) -> [UInt8] {
        erasedOpening + Array(messages.map { String($0.rawValue) }.joined(separator: ",").utf8) + erasedEnd
    }

    /// The messages that a deletion deletes: the one it replaces, or several that were too old to keep.
    var deletedMessages: [Position] {
        if let replaces { return [replaces] }
        guard content.starts(with: Self.erasedOpening) else { return [] }
        return content.dropFirst(Self.erasedOpening.count).dropLast(Self.erasedEnd.count)
            .split(separator: UInt8(ascii: ","))
            .compactMap { Int64(String(decoding: $0, as: UTF8.self)).map { Position($0) } }
    }
}
