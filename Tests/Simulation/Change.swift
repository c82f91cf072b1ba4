// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// An edit or a deletion that a device asked for.
final class Change: @unchecked Sendable {
    /// The message.
    let said: Said
    let uuid: String
    let device: Device
    /// What it is to say, a text of its own; `nil` for a deletion.
    let text: String?
    let asked: Duration
    private(set) var answered: Duration?
    var outcome = Outcome.waiting

    init(_ said: Said, uuid: String, to text: String?, by device: Device) {
        self.said = said
        self.uuid = uuid
        self.text = text
        self.device = device
        asked = device.world.scheduler.now
    }

    /// Notes the answer.
    func answered(_ outcome: Outcome) {
        self.outcome = outcome
        answered = device.world.scheduler.now
    }
}

extension Change: CustomStringConvertible {
    var description: String { text.map { "the edit \($0)" } ?? "the deletion of \(said.text)" }
}

/// A join or a leave that was asked for.
final class MembershipChange: @unchecked Sendable {
    enum Kind: String {
        case join, leave
    }

    let kind: Kind
    let conversation: Conversation
    let account: Account
    /// Unknown until it is answered: the node may die before.
    var outcome = Outcome.unknown
    /// Where the answer has it in the log; `nil` if nothing was to be done.
    var position: Int64?

    init(_ kind: Kind, _ conversation: Conversation, _ account: Account) {
        self.kind = kind
        self.conversation = conversation
        self.account = account
    }

    /// Notes an error: some say that it may have been done.
    func refused(_ error: any Error) {
        switch error as? ChatError {
        case .outcomeUnknown, .busy, .readOnly, .storageUnavailable, nil: outcome = .unknown
        case let error?: outcome = .refused("\(error)")
        }
    }
}

extension World {
    /// Notes the answer to a join or a leave.
    func acknowledged(_ change: MembershipChange, _ receipt: Receipt<Void>) {
        change.outcome = .done
        guard !receipt.existed else { return }
        change.position = receipt.position.rawValue
        guard change.kind == .leave else { return }
        if plants(.joinedTwice) { turn(receipt.position) }
        if plants(.undone) { undo(receipt.position) }
        if plants(.withheld) { change.outcome = .refused("not at all") }
    }
}
