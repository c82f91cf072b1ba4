// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// Judges what a play has left behind, by the rules of the design and by nothing of the program.
struct Verdict {
    let world: World
    let log: [LogLine]
    let memberships: Memberships
    /// The members of all conversations as the table has them.
    let stays: [Stay]
    /// What changed the message of each position, in order.
    private(set) var changes: [Int64: [LogLine]] = [:]
    private var byUUID: [String: LogLine] = [:]
    private var byWord: [String: LogLine] = [:]
    /// How often a text was said first in a message.
    private var wordCounts: [String: Int] = [:]
    /// What the players know of each message, by its position.
    private var saidAt: [Int64: Said] = [:]

    /// Where the log's time may go back.
    private let steps: Set<Int64>
    /// Where accounts and conversations were deleted, by their rows.
    private var deletedAccounts: [Int64: Int64] = [:]
    private(set) var deletedFlows: [Int64: Int64] = [:]
    private let saidByWord: [String: Said]

    /// How long after a revocation was acknowledged the server that did it may write to the session; it may be stalled
    /// or cut off.
    private static let ownRevocationTime = Duration.milliseconds(10)
    /// The same for other servers, when nothing is wrong.
    private static let revocationTime = Duration.seconds(2)

    init(_ world: World) throws {
        self.world = world
        log = try LogLine.all(in: world.database)
        stays = try Stay.all(in: world.database)
        steps = try LogLine.steps(in: world.database)
        saidByWord = Dictionary(world.said.map { ($0.text, $0) }) { $1 }
        memberships = Memberships(
            log, conversations: world.conversations + world.formerConversations, founders: world.founders,
            others: try LogLine.founders(in: world.database))
        for line in log {
            if line.kind == "message" { byUUID[line.uuid] = line }
            if line.kind == "message", let text = line.text {
                byWord[text] = line
                wordCounts[text, default: 0] += 1
            }
            if let message = line.replaces { changes[message, default: []].append(line) }
            if line.what == "deleted", let subject = line.subject {
                if line.kind == "user" { deletedAccounts[subject] = line.position }
                if line.kind == "flow" { deletedFlows[subject] = line.position }
            }
        }
        for said in world.said {
            // What was deleted says nothing any more; the answer named it.
            if let uuid = said.uuid, let line = byUUID[uuid] { byWord[said.text] = line }
            if let line = byWord[said.text] { saidAt[line.position] = said }
        }
    }

    /// Every rule.
    func judge() {
        world.trace("the log:")
        for line in log {
            world.trace(
                "  \(line.position) \(line.kind) flow \(line.flow ?? 0) by \(line.sender ?? 0) of \(line.subject ?? 0) "
                    + "\(line.text ?? "") \(line.replaces.map { "replaces \($0)" } ?? "")"
            )
        }
        judgeAcknowledgements()
        judgeChanges()
        judgeMemberships()
        judgeEnds()
        judgeNumbers()
        judgeOrder()
        judgeRights()
        for device in world.devices {
            judgeShown(device)
            judgeMissing(device)
        }
        judgeRevocations()
    }

    func problem(_ text: String) { world.problem(text) }

    // MARK: The log

    /// Positions, `seq` and `number` have no gaps, time does not go back.
    private func judgeNumbers() {
        var seq: [Int64: Int64] = [:]
        var number: [Int64: Int64] = [:]
        var (position, time) = (Int64(0), Int64.min)
        for (index, line) in log.enumerated() {
            // The events of what was deleted go.
            if line.position != Int64(index) + 1, deletedFlows.isEmpty {
                problem("position \(line.position) is the \(index + 1). of the log")
            }
            if line.time < time, !steps.contains(where: { position < $0 && $0 <= line.position }) {
                problem("time goes back at \(line.position)")
            }
            position = line.position
            time = line.time
            guard let flow = line.flow, deletedFlows[flow] == nil else { continue }
            if line.seq != seq[flow, default: 0] { problem("seq of flow \(flow) has a gap at \(line.position)") }
            seq[flow, default: 0] += 1
            guard line.kind == "message" else { continue }
            if line.number != number[flow, default: 0] {
                problem("numbers of flow \(flow) have a gap at \(line.position)")
            }
            number[flow, default: 0] += 1
        }
    }

    /// What was acknowledged is there once, what was refused is not.
    private func judgeAcknowledgements() {
        for said in world.said {
            let line = byWord[said.text]
            if let count = wordCounts[said.text], count > 1 { problem("\(said.text) is in the log \(count) times") }
            switch said.outcome {
            case .done:
                if line == nil, deletedFlows[said.conversation.id.rawValue] == nil {
                    problem("\(said.text) was acknowledged and is not in the log")
                }
            case .refused(let why):
                if let line { problem("\(said.text) was refused (\(why)) and is at \(line.position)") }
            case .waiting: problem("\(said.text) was never answered, on a connection that did not end")
            case .unknown: break
            }
        }
    }

    /// What one connection sent is in the order in which it was sent.
    private func judgeOrder() {
        var last: [String: (place: Int, position: Int64, text: String)] = [:]
        for said in world.said {
            guard let line = byWord[said.text] else { continue }
            let connection = "\(said.device.name) \(said.connection)"
            if let before = last[connection], before.position > line.position {
                problem("\(said.text) at \(line.position) was sent after \(before.text) at \(before.position)")
            }
            last[connection] = (said.place, line.position, said.text)
        }
    }

    /// Nobody is in the log who was not in the flow.
    private func judgeRights() {
        for line in log where line.kind == "message" || line.kind == "edit" || line.kind == "deletion" {
            guard let flow = line.flow, let sender = world.accounts.first(where: { $0.id.rawValue == line.sender })
            else { continue }
            if let end = deletedAccounts[sender.id.rawValue], line.position > end {
                problem("\(sender.login) wrote at \(line.position) and was deleted at \(end)")
            }
            if deletedFlows[flow] != nil { continue }
            if !memberships.includes(sender, in: flow, at: line.position) {
                problem("\(sender.login) wrote at \(line.position) and was not in flow \(flow)")
            }
            let conversation = world.conversations.first { $0.id.rawValue == flow }
            if line.kind == "message", conversation?.kind == .channel, conversation?.owner !== sender {
                problem("\(sender.login) wrote at \(line.position) in the channel of somebody else")
            }
        }
        for (message, lines) in changes {
            guard let deletion = lines.firstIndex(where: { $0.kind == "deletion" }) else { continue }
            if deletion != lines.count - 1 { problem("the message at \(message) was changed after its deletion") }
            let texts = ([log.first { $0.position == message }] + lines).compactMap { $0?.text }
            if !texts.isEmpty { problem("the message at \(message) was deleted and still says \(texts)") }
        }
    }

    // MARK: What devices were shown

    /// What a message may have said at some time.
    private func mayHaveSaid(_ shown: Shown, _ line: LogLine) -> Bool {
        if shown.text == "Message deleted" { return changes[line.position]?.last?.kind == "deletion" }
        if line.isSealed, shown.text == Self.sealedText { return true }
        return line.text == shown.text || world.everSaid[line.uuid, default: []].contains(shown.text)
            || saidAt[line.position]?.text == shown.text
    }

    /// What those see who cannot read a message.
    static let sealedText = "[encrypted message]"

    /// Whether it was said in a conversation that is no more.
    private func isGone(_ shown: Shown) -> Bool {
        let word = shown.text.split(separator: " ").first.map(String.init) ?? ""
        guard let said = saidByWord[word] else { return false }
        return deletedFlows[said.conversation.id.rawValue] != nil
    }

    /// The message that was shown, by its identifier or, where there is none, by its first word.
    private func line(_ shown: Shown) -> LogLine? {
        if !shown.uuid.isEmpty { return byUUID[shown.uuid] }
        let word = shown.text.split(separator: " ").first.map(String.init) ?? ""
        return byWord[word]
    }

    /// Nothing that the account was not entitled to, nothing twice, nothing out of order.
    private func judgeShown(_ device: Device) {
        var seen: [Int64: Shown] = [:]
        var last: (position: Int64, connection: Int) = (0, 0)
        for shown in device.shown {
            // Without an identifier nothing says which one it was.
            if !device.namesMessages, shown.text == "Message deleted" || shown.text == Self.sealedText { continue }
            if isGone(shown) { continue }
            guard let line = line(shown), let flow = line.flow else {
                // Its conversation is no more, and with it what it said.
                if !shown.uuid.isEmpty, !deletedFlows.isEmpty,
                    shown.text == "Message deleted" || shown.text == Self.sealedText
                {
                    continue
                }
                problem("\(device.name) was shown \(shown.text), which is not in the log")
                continue
            }
            if deletedFlows[flow] != nil { continue }
            if line.isSealed, shown.text == line.text, !isReadable(line, device) {
                problem("\(device.name) was shown \(shown.text), which was not encrypted for it")
            }
            if !mayHaveSaid(shown, line) {
                problem("\(device.name) was shown \(shown.text) for \(line.position), which never said that")
            }
            let isDue = isDue(line, device)
            if !isDue,
                shown.isPushed && !memberships.isPublic(flow)
                    || !memberships.mayAsk(device.account, in: flow, at: line.position)
            {
                problem("\(device.name) was shown \(shown.text) at \(line.position), and was not in flow \(flow)")
            }
            if let before = seen[line.position] {
                let isOld = changes[line.position] == nil
                if isOld, !device.mayShowTwice(before, shown) {
                    problem("\(device.name) was shown \(shown.text) at \(line.position) twice")
                }
            } else if changes[line.position] == nil {
                if line.position < last.position, last.connection == shown.connection {
                    problem("\(device.name) was shown \(shown.text) at \(line.position) after \(last.position)")
                }
                last = (line.position, shown.connection)
            }
            seen[line.position] = shown
        }
    }

    /// Whether a message, or a change of it, was made while the account was in the flow.
    private func isDue(_ line: LogLine, _ device: Device) -> Bool {
        guard let flow = line.flow else { return false }
        return ([line] + changes[line.position, default: []]).contains {
            memberships.includes(device.account, in: flow, at: $0.position)
        }
    }

    /// Everything that was said while the account was in the flow, and its last state.
    private func judgeMissing(_ device: Device) {
        if device.account.mayBeDeleted { return }
        var latest: [Int64: Shown] = [:]
        for shown in device.shown { if let line = line(shown) { latest[line.position] = shown } }
        for line in log where line.kind == "message" {
            guard let flow = line.flow, memberships.includes(device.account, in: flow, at: line.position),
                saidAt[line.position]?.device !== device,
                device.showsOwnAccount || line.sender != device.account.id.rawValue,
                deletedFlows[flow] == nil,
                device.namesMessages || changes[line.position]?.last?.kind != "deletion",
                device.namesMessages || isReadable(line, device)
            else { continue }
            guard let shown = latest[line.position] else {
                problem("\(device.name) was never shown \(line.text ?? line.uuid) at \(line.position) of flow \(flow)")
                continue
            }
            guard device.showsChanges,
                let change = changes[line.position]?.last(where: {
                    memberships.includes(device.account, in: flow, at: $0.position)
                        && !world.isOwnChange($0, of: line.uuid, by: device)
                })
            else { continue }
            let isLast = change.position == changes[line.position]?.last?.position
            guard isLast else { continue }
            let text = change.kind == "deletion" ? "Message deleted" : change.text ?? ""
            if shown.text != text {
                problem("\(device.name) shows \(shown.text) for \(line.position), which was changed to \(text)")
            }
        }
    }

    /// Whether a device that knows messages by their text only can read it.
    private func isReadable(_ line: LogLine, _ device: Device) -> Bool {
        guard line.isSealed else { return true }
        return device is FastChatDevice
            && saidAt[line.position]?.recipients.contains(device.account.id.rawValue) == true
    }

    // MARK: Revocations

    /// Nothing that was said later reaches a connection whose session is over.
    private func judgeRevocations() {
        for device in world.devices {
            for shown in device.shown {
                guard let line = line(shown) else { continue }
                let ends = [
                    world.revocations[shown.session], world.deletedAccounts[device.account.id.rawValue],
                    line.flow.flatMap { world.deletedFlows[$0] },
                ].compactMap { $0 }
                guard let end = ends.first(where: { line.position > $0.position.rawValue }) else { continue }
                let latest =
                    shown.node === end.node
                    ? end.time + Self.ownRevocationTime
                    : max(end.time, shown.node.lastTrouble) + Self.revocationTime
                if shown.written > latest {
                    problem(
                        "\(device.name) was shown \(shown.text) at \(line.position) with session "
                            + "\(shown.session.rawValue), \(shown.written - end.time) after its end at "
                            + "\(end.position.rawValue) by \(end.node.name)"
                    )
                }
            }
        }
    }
}
