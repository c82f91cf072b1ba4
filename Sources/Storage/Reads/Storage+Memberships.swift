// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// One stay of an account in a private flow; who leaves and comes back has several.
package struct Membership: Sendable, Equatable {
    /// The event by which the account became a member.
    package var joined: Position
    /// The event by which it ceased to be one; `nil` for a current member.
    package var left: Position?

    package init(joined: Position, left: Position? = nil) {
        self.joined = joined
        self.left = left
    }
}

/// How much of the log an account gets of a private flow.
///
/// In public flows everybody gets everything.
package enum ReadingScope: Sendable {
    /// What comes unasked: what was said while the account was a member, whether it still is one or not.
    case pushed
    /// What is asked for: all of it for a member, everything up to their leaving for those who left.
    case asked
}

/// A part of a flow's log that an account gets.
struct FlowRange {
    var flow: Int64
    var after: Position
    /// Up to this one, which belongs to it.
    var upTo: Position
}

/// What an account gets of the log after a cursor.
struct ReadableRanges {
    var ranges: [FlowRange] = []
    /// Where those left who are members no more: what came afterwards is none of theirs.
    var ends: [Int64: Position] = [:]
}

extension Storage {
    /// How many stays of an account in a flow are kept: adding and removing it again and again does not slow the reads
    /// of others.
    static let maximumStays = 256

    /// The stays of an account in a private flow, in order; none if it never was a member.
    package func memberships(of user: UserID, in flow: FlowID) async throws(StorageError) -> [Membership] {
        try await read(.flows) { connection in
            let rows = try connection.rows(
                """
                SELECT joined_position, left_position FROM flow_members
                WHERE flow_id = $1 AND user_id = $2
                ORDER BY joined_position
                """, [SQLValue(flow), SQLValue(user)])
            return try rows.map { row in
                var reader = RowReader(row)
                return Membership(
                    joined: try reader.position(), left: try reader.optionalInt().map { Position($0) })
            }
        }
    }

    /// Who were members of a private flow when the event at `position` had happened, by row number.
    package func members(
        of flow: FlowID, at position: Position, after: UserID = UserID(0), limit: Int
    ) async throws(StorageError) -> [UserID] {
        try await read(.flows) { connection in
            let rows = try connection.rows(
                """
                SELECT user_id FROM flow_members
                WHERE flow_id = $1 AND user_id > $2 AND joined_position <= $3
                    AND (left_position IS NULL OR left_position > $3)
                ORDER BY user_id
                LIMIT $4
                """, [SQLValue(flow), SQLValue(after), SQLValue(position), SQLValue(limit: limit)])
            return try rows.map { row in
                var reader = RowReader(row)
                return try reader.user()
            }
        }
    }

    /// Finds the stays of an account in flows with something new after `cursor`, which an index of their heads tells of
    /// the public ones.
    static func staysWithNews(of user: UserID, after cursor: Position) -> SQLStatement {
        SQLStatement(
            """
            SELECT m.flow_id AS flow_id, m.joined_position, m.left_position, h.head_position
            FROM flow_members m
            JOIN flow_heads h ON h.flow_id = m.flow_id
            WHERE m.user_id = $1 AND h.head_position > $2 AND (m.left_position IS NULL OR m.left_position > $2)
            UNION ALL
            SELECT h.flow_id, 0, NULL, h.head_position FROM flow_heads h WHERE h.is_public = 1 AND h.head_position > $2
            """, [SQLValue(user), SQLValue(cursor)])
    }

    /// The parts of flows with something new after `cursor` that an account gets, each with an index of its own.
    static func readable(
        by user: UserID, after cursor: Position, upTo head: Position, _ scope: ReadingScope,
        on connection: any SQLConnection
    ) throws(StorageError) -> ReadableRanges {
        // Not sorted by the database: in the order of flows it would read all heads.
        var found: [(flow: Int64, stay: Membership, head: Position)] = []
        for row in try connection.rows(staysWithNews(of: user, after: cursor)) {
            var reader = RowReader(row)
            let flow = try reader.int()
            let stay = Membership(joined: try reader.position(), left: try reader.optionalInt().map { Position($0) })
            found.append((flow, stay, min(head, try reader.position())))
        }
        var stays: [(flow: Int64, head: Position, stays: [Membership])] = []
        for (flow, stay, head) in found.sorted(by: { ($0.flow, $0.stay.joined) < ($1.flow, $1.stay.joined) }) {
            if stays.last?.flow == flow {
                stays[stays.count - 1].stays.append(stay)
            } else {
                stays.append((flow, head, [stay]))
            }
        }
        var readable = ReadableRanges()
        for (flow, head, stays) in stays {
            // They follow each other, so the last one says whether the account is a member.
            if let left = stays.last?.left { readable.ends[flow] = left }
            let wanted: [Membership]
            switch scope {
            case .pushed: wanted = stays
            case .asked: wanted = [Membership(joined: .start, left: stays.last?.left)]
            }
            for stay in wanted {
                let after = max(cursor, Position(stay.joined.rawValue - 1))
                let upTo = min(head, stay.left.map { Position($0.rawValue - 1) } ?? head)
                if after < upTo { readable.ranges.append(FlowRange(flow: flow, after: after, upTo: upTo)) }
            }
        }
        return readable
    }
}
