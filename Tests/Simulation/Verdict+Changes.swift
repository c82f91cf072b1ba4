// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// Edits, deletions, joins, leaves and ends: what was acknowledged is in the log, what was refused is not, and nothing
/// else.
extension Verdict {
    // MARK: Edits and deletions

    func judgeChanges() {
        var asked: [String: [Change]] = [:]
        for change in world.changes { asked[change.uuid, default: []].append(change) }
        for line in log where line.kind == "message" {
            if let flow = line.flow, deletedFlows[flow] != nil { continue }
            let lines = changes[line.position] ?? []
            if line.replacedBy != lines.last?.position {
                problem("the message at \(line.position) does not say what was written last")
            }
            judge(asked[line.uuid] ?? [], with: lines, of: line)
        }
    }

    /// One message, what was asked for it and what the log has of it.
    private func judge(_ asked: [Change], with lines: [LogLine], of message: LogLine) {
        judgeDeletions(asked.filter { $0.text == nil }, in: lines, of: message)
        let edits = asked.filter { $0.text != nil }
        let written = lines.filter { $0.kind == "edit" }
        // A deletion overwrites what the edits said; they can still be counted.
        let isDeleted = lines.contains { $0.kind == "deletion" }
        let done = edits.count { $0.outcome == .done }
        let possible = edits.count { !$0.outcome.isRefused }
        if !(done...possible).contains(written.count) {
            problem(
                "the message at \(message.position) has \(written.count) edits; \(done) were acknowledged, \(possible) "
                    + "possible"
            )
        }
        var places: [(edit: Change, position: Int64)] = []
        for edit in edits {
            if edit.outcome == .waiting { problem("\(edit) was never answered, on a connection that did not end") }
            if isDeleted { continue }
            let found = written.filter { $0.text == edit.text }
            if found.count > 1 { problem("\(edit) is in the log \(found.count) times") }
            if edit.outcome == .done, found.isEmpty { problem("\(edit) was acknowledged and is not in the log") }
            if edit.outcome.isRefused, let line = found.first {
                problem("\(edit) was refused and is at \(line.position)")
            }
            if let line = found.first { places.append((edit, line.position)) }
        }
        for before in places {
            guard before.edit.outcome == .done, let answered = before.edit.answered else { continue }
            for after in places where after.edit.asked > answered && after.position < before.position {
                problem("\(after.edit) was asked for after \(before.edit) was acknowledged, and is before it")
            }
        }
    }

    private func judgeDeletions(_ deletions: [Change], in lines: [LogLine], of message: LogLine) {
        for deletion in deletions where deletion.outcome == .waiting {
            problem("\(deletion) was never answered, on a connection that did not end")
        }
        let written = lines.first { $0.kind == "deletion" }
        if written == nil, let deletion = deletions.first(where: { $0.outcome == .done }) {
            problem("\(deletion) was acknowledged and is not in the log")
        }
        if let written, !deletions.contains(where: { !$0.outcome.isRefused }) {
            problem("the message at \(message.position) was deleted at \(written.position), which nobody asked for")
        }
    }

    // MARK: Joins and leaves

    func judgeMemberships() {
        for mistake in memberships.mistakes where deletedFlows[mistake.flow] == nil { problem(mistake.text) }
        var possible: [String: Int] = [:]
        for change in world.membershipChanges where deletedFlows[change.conversation.id.rawValue] == nil {
            let (flow, account) = (change.conversation.id.rawValue, change.account.id.rawValue)
            if !change.outcome.isRefused, change.outcome != .done || change.position != nil {
                possible["\(change.kind.rawValue) \(flow) \(account)", default: 0] += 1
            }
            guard change.outcome == .done, let position = change.position else { continue }
            let line = line(at: position)
            if line?.kind != change.kind.rawValue || line?.flow != flow || line?.subject != account {
                problem(
                    "the \(change.kind.rawValue) of \(change.account.login) in flow \(flow) was acknowledged and is "
                        + "not at \(position)"
                )
            }
        }
        for line in log where line.kind == "join" || line.kind == "leave" {
            guard let flow = line.flow, let account = line.subject, deletedFlows[flow] == nil else { continue }
            let key = "\(line.kind) \(flow) \(account)"
            possible[key, default: 0] -= 1
            if possible[key, default: 0] < 0 {
                problem("the \(line.kind) at \(line.position) is one more than were asked for and not refused")
            }
        }
        judgeStays()
    }

    /// The table of members says what follows from the log.
    private func judgeStays() {
        func isJudged(_ stay: Stay) -> Bool { deletedFlows[stay.flow] == nil && !memberships.isPublic(stay.flow) }
        let kept = Set(stays.filter(isJudged))
        let logged = Set(memberships.stays.filter(isJudged))
        for stay in logged.subtracting(kept).sorted() { problem("\(stay) is in the log and not in the table") }
        for stay in kept.subtracting(logged).sorted() { problem("\(stay) is in the table and not in the log") }
    }

    // MARK: Ends

    /// The end of a session, an account or a conversation is in the log where the answer said.
    func judgeEnds() {
        func judge(_ end: World.Revocation, _ kind: String, _ what: String) {
            if line(at: end.position.rawValue)?.kind != kind {
                problem("the end of \(what) was acknowledged and is not at \(end.position.rawValue)")
            }
        }
        for (session, end) in world.revocations.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            judge(end, "session", "session \(session.rawValue)")
        }
        for (account, end) in world.deletedAccounts.sorted(by: { $0.key < $1.key }) {
            judge(end, "user", "account \(account)")
        }
        for (flow, end) in world.deletedFlows.sorted(by: { $0.key < $1.key }) { judge(end, "flow", "flow \(flow)") }
    }

    /// The entry at a position; entries of purged conversations are missing before it.
    private func line(at position: Int64) -> LogLine? {
        var (low, high) = (0, log.count)
        while low < high {
            let middle = (low + high) / 2
            if log[middle].position < position { low = middle + 1 } else { high = middle }
        }
        return low < log.count && log[low].position == position ? log[low] : nil
    }
}
