// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A place where the log's time went back, because a clock had been far ahead.
///
/// Time follows position, so that a time is found by a binary search. When a server's clock jumps ahead and back, the
/// log's time waits for the clock for a lead of up to a minute. A longer one ends in a step: the log has the clock's
/// time again, and the table `log_steps` says where. Between two steps time never goes back.
enum LogStep {
    /// The longest lead over the clock that is waited out.
    static let longestLead = Timestamp(milliseconds: 60_000)
    /// How long after a step there is no other one: servers whose clocks differ by more than the lead do not step in
    /// turn.
    static let shortestPause = Timestamp(milliseconds: 3_600_000)

    /// The time of a batch; under the lock of the log's head.
    static func time(
        after last: Timestamp, at position: Position, now: Timestamp, on connection: any SQLConnection
    ) throws(StorageError) -> Timestamp {
        let lead = last.milliseconds.subtractingReportingOverflow(now.milliseconds)
        guard !lead.overflow, lead.partialValue > longestLead.milliseconds else { return max(now, last) }
        let rows = try connection.rows("SELECT after_ms FROM log_steps ORDER BY position DESC LIMIT 1")
        if let row = rows.first {
            var reader = RowReader(row)
            let since = now.milliseconds - (try reader.time()).milliseconds
            if since >= 0, since < shortestPause.milliseconds { return last }
        }
        try note(at: position, from: last, to: now, on: connection)
        return now
    }

    /// Notes that the log's time goes back after the event at `position`.
    ///
    /// Of a batch that was refused whole the step is left, and the next event may come at another time again.
    static func note(
        at position: Position, from before: Timestamp, to after: Timestamp, on connection: any SQLConnection
    ) throws(StorageError) {
        try connection.execute(
            """
            INSERT INTO log_steps (position, before_ms, after_ms) VALUES ($1, $2, $3)
            ON CONFLICT (position) DO UPDATE SET after_ms = excluded.after_ms
            """, [.int(position.rawValue + 1), SQLValue(before), SQLValue(after)])
    }

    /// The positions after `low` within which time follows position and the first event at or after `time` is found: up
    /// to the next step that came after such a time, else up to the head.
    static func run(
        holding time: Timestamp, after low: Position, head: Position, on connection: any SQLConnection
    ) throws(StorageError) -> (low: Position, high: Position) {
        let next = try connection.rows(
            "SELECT position FROM log_steps WHERE position > $1 AND before_ms >= $2 ORDER BY position LIMIT 1",
            [SQLValue(low), SQLValue(time)])
        var high = head
        if let row = next.first {
            var reader = RowReader(row)
            high = Position(try reader.position().rawValue - 1)
        }
        let previous = try connection.rows(
            "SELECT coalesce(max(position), 0) FROM log_steps WHERE position <= $1", [SQLValue(high)])
        guard let row = previous.first else { return (low, high) }
        var reader = RowReader(row)
        return (max(low, Position(max(0, try reader.position().rawValue - 1))), high)
    }
}
