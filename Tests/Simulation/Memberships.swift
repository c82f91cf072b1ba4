// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// One time of an account in a private conversation.
struct Stay: Hashable, Comparable, CustomStringConvertible {
    var flow: Int64
    var account: Int64
    var joined: Int64
    var left: Int64?

    /// As the table has them.
    static func all(in database: SimulatedDatabase) throws -> [Stay] {
        try database.read { connection in
            try connection.rows("SELECT flow_id, user_id, joined_position, left_position FROM flow_members")
        }.get().map { row in
            Stay(
                flow: LogLine.int(row[0]) ?? 0, account: LogLine.int(row[1]) ?? 0, joined: LogLine.int(row[2]) ?? 0,
                left: LogLine.int(row[3]))
        }
    }

    static func < (one: Stay, other: Stay) -> Bool {
        (one.flow, one.account, one.joined, one.left ?? .max)
            < (other.flow, other.account, other.joined, other.left ?? .max)
    }

    var description: String {
        "the stay of account \(account) in flow \(flow) from \(joined) to \(left.map(String.init) ?? "now")"
    }
}

/// When accounts were in flows, from the log alone: positions between which they saw what was said.
struct Memberships {
    private struct Place: Hashable {
        var flow: Int64
        var account: Int64
    }

    /// Joins of members and leaves of others.
    private(set) var mistakes: [(flow: Int64, text: String)] = []
    private var intervals: [Place: [ClosedRange<Int64>]] = [:]
    private var publicFlows: Set<Int64> = []
    /// Where accounts were made.
    private var began: [Int64: Int64] = [:]

    /// Follows the log from founders on; of conversations whose making had no answer, `others` has them by rows.
    init(
        _ log: [LogLine], conversations: [Conversation], founders: [ObjectIdentifier: [Account]],
        others: [Int64: [Int64]]
    ) {
        var open: [Place: Int64] = [:]
        for line in log {
            if line.kind == "user", line.what == "created", let account = line.subject {
                began[account] = line.position
            }
            guard let flow = line.flow else { continue }
            switch line.kind {
            case "flow":
                guard line.seq == 0 else { continue }
                let conversation = conversations.first(where: { $0.id.rawValue == flow })
                if conversation?.isPublic == true { publicFlows.insert(flow) }
                let known = conversation.flatMap { founders[ObjectIdentifier($0)] }?.map(\.id.rawValue)
                for account in known ?? others[flow] ?? [] {
                    open[Place(flow: flow, account: account)] = line.position
                }
            case "join":
                guard let subject = line.subject else { continue }
                let place = Place(flow: flow, account: subject)
                if open[place] != nil {
                    mistakes.append(
                        (flow, "account \(subject) joined flow \(flow) at \(line.position), a member already"))
                }
                open[place] = line.position
            case "leave":
                guard let subject = line.subject,
                    let began = open.removeValue(forKey: Place(flow: flow, account: subject))
                else {
                    mistakes.append((flow, "the leave at \(line.position) of flow \(flow) is that of no member"))
                    continue
                }
                intervals[Place(flow: flow, account: subject), default: []].append(began...line.position)
            default: continue
            }
        }
        for (place, began) in open { intervals[place, default: []].append(began...Int64.max) }
    }

    /// Whether an account was in a flow when something was said at `position`.
    func includes(_ account: Account, in flow: Int64, at position: Int64) -> Bool {
        publicFlows.contains(flow) && began[account.id.rawValue, default: 0] <= position
            || (intervals[Place(flow: flow, account: account.id.rawValue)] ?? []).contains { $0.contains(position) }
    }

    /// All of them.
    var stays: [Stay] {
        intervals.flatMap { place, ranges in
            ranges.map {
                Stay(
                    flow: place.flow, account: place.account, joined: $0.lowerBound,
                    left: $0.upperBound == .max ? nil : $0.upperBound)
            }
        }
    }

    /// Whether all accounts read a flow.
    func isPublic(_ flow: Int64) -> Bool { publicFlows.contains(flow) }

    /// Whether an account may ask for what was said at `position`: it was in the flow then or later.
    func mayAsk(_ account: Account, in flow: Int64, at position: Int64) -> Bool {
        publicFlows.contains(flow)
            || (intervals[Place(flow: flow, account: account.id.rawValue)] ?? []).contains {
                position <= $0.upperBound
            }
    }
}
