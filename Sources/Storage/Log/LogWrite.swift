// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// One change of the log as a value: applied whole or not at all.
///
/// Each kind has a file of its own in `Writes`.
package protocol LogWrite: Sendable {
    /// What the caller learns, besides where the write stands in the log.
    associatedtype Result: Sendable

    /// Makes the change and appends its event; appends none if it finds everything as it should become.
    ///
    /// - Throws: `WriteRefusal` while nothing is changed yet; `StorageError`.
    func apply(to log: inout LogTransaction) throws -> Result

    /// About how many bytes of memory it holds.
    var size: Int { get }

    /// Itself, for a batch.
    var action: Write.Action { get }
}

extension LogWrite {
    package var size: Int { 4096 }
    package var action: Write.Action { .change(self) }
}

/// Whose write it is, and its uuid, by which one whose COMMIT had no answer is found again.
package struct WriteOrigin: Sendable {
    /// Of its event.
    package var uuid: Identifier
    /// `nil` for the operator of the server.
    package var author: UserID?
    /// The name of the protocol by which it came; `nil` for the operator's.
    package var `protocol`: String?

    package init(uuid: Identifier, author: UserID?, protocol: String? = nil) {
        self.uuid = uuid
        self.author = author
        self.protocol = `protocol`
    }
}

/// A write of any kind on its way into the log.
package struct Write: Sendable {
    package var origin: WriteOrigin
    package var action: Action
    /// What the audit is to say of it, in the same transaction; not for messages.
    ///
    /// There is no record of a write that is refused or finds everything as it should become.
    package var audit: AuditNote?

    package init(_ write: some LogWrite, by origin: WriteOrigin, audit: AuditNote? = nil) {
        self.origin = origin
        action = write.action
        self.audit = audit
    }

    /// Messages, of which there are many, have no box.
    package enum Action: Sendable {
        case message(Write.SendMessage)
        case change(any LogWrite)
    }

    var size: Int {
        switch action {
        case .message(let message): message.size
        case .change(let change): change.size
        }
    }

    var isMessage: Bool {
        if case .message = action { true } else { false }
    }
}

/// Why a write was refused although the database is well.
///
/// The rest of its batch is not touched.
package enum WriteRefusal: Error, Sendable, Equatable {
    case loginTaken
    case adminExists
    case noSuchAdmin
    /// An administrator's token of that name is there and not revoked.
    case tokenNameTaken
    case noSuchUser
    case noSuchFlow
    case noSuchMessage
    case noSuchSession
    /// The author is no member, or no longer one.
    case notMember
    /// A channel's member, not its owner.
    case mayNotWrite
    /// Another account's message.
    case notAuthor
    /// The account was deleted.
    case accountDeleted
    /// A public flow has no list of members, a chat always has its two, and an owner stays.
    case membershipFixed
    /// Already deleted: cannot be edited.
    case messageDeleted
    /// The password was changed between the check of the old one and the write.
    case passwordChanged
    /// No such invite, or it is used up, expired or revoked.
    case inviteInvalid
}

/// What a write did, and where it stands in the log.
package struct Receipt<Result: Sendable>: Sendable {
    package var position: Position
    package var time: Timestamp
    /// It was so before, and nothing was done.
    package var existed: Bool
    package var result: Result
}

/// What became of one write of a batch.
package enum WriteOutcome<Result: Sendable>: Sendable {
    case done(Receipt<Result>)
    case refused(WriteRefusal)
    case failed(StorageError)
}

extension WriteOutcome<any Sendable> {
    /// The outcome of a write in a batch, where its type was not known any more.
    package func of<W: LogWrite>(_ write: W.Type) -> WriteOutcome<W.Result> {
        switch self {
        case .done(let receipt):
            guard let result = receipt.result as? W.Result else {
                preconditionFailure("the outcome of a write is that of another one")
            }
            return .done(
                Receipt(position: receipt.position, time: receipt.time, existed: receipt.existed, result: result))
        case .refused(let refusal): return .refused(refusal)
        case .failed(let error): return .failed(error)
        }
    }
}

/// What a committed batch did.
package struct CommittedBatch: Sendable {
    /// One for each write, in order.
    package var outcomes: [WriteOutcome<any Sendable>]
    /// The events in the order of their positions.
    package var events: [LogEvent]
    /// How long it took, from the first statement until it was durable.
    package var duration = Duration.zero
}
