// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

extension StorageUnderTest {
    /// Commits one write by itself.
    package func perform(_ write: some LogWrite, by author: UserID? = nil) async throws -> WriteOutcome<any Sendable> {
        let batch = try await storage.commit([self.write(write, by: author)])
        guard batch.outcomes.count == 1 else {
            throw StorageTestError("one write has \(batch.outcomes.count) outcomes")
        }
        return batch.outcomes[0]
    }

    /// Commits one write, which must be done.
    @discardableResult
    package func done<W: LogWrite>(_ write: W, by author: UserID? = nil) async throws -> Receipt<W.Result> {
        try await perform(write, by: author).of(W.self).receipt
    }

    /// Commits one write that is expected to be refused.
    package func refusal(of write: some LogWrite, by author: UserID? = nil) async throws -> WriteRefusal? {
        try await perform(write, by: author).refusal
    }

    /// A write with a uuid of its own.
    package func write(_ write: some LogWrite, by author: UserID? = nil) -> Write {
        Write(write, by: origin(author))
    }

    /// A new uuid for a write of `author`.
    package func origin(_ author: UserID? = nil) -> WriteOrigin { WriteOrigin(uuid: newUUID(), author: author) }

    /// A new account's description; the compared form of the login is its lower case.
    package func newUser(_ login: String, isHidden: Bool = false) -> NewUser {
        NewUser(
            uuid: newUUID(), login: login, loginKey: login.lowercased(), username: "name of \(login)",
            passwordHash: "hash of \(login)", isHidden: isHidden, email: "\(login)@example.org", avatar: "avatar",
            bio: "bio")
    }

    /// Makes an account.
    package func createUser(_ login: String, isHidden: Bool = false) async throws -> UserID {
        try await done(Write.CreateUser(newUser(login, isHidden: isHidden))).userID
    }

    /// A new flow's description.
    ///
    /// Without `members` it is public; otherwise the owner is a member too.
    package func newFlow(
        _ kind: FlowRecord.Kind = .group, owner: UserID, members: [UserID]? = nil, title: String = "title",
        info: String = "info"
    ) -> NewFlow {
        NewFlow(
            uuid: newUUID(), kind: kind, title: title, info: info, owner: owner, isPublic: members == nil,
            members: members.map { $0.contains(owner) ? $0 : [owner] + $0 } ?? [])
    }

    /// Makes a flow; without `members` a public one.
    package func createFlow(
        _ kind: FlowRecord.Kind = .group, owner: UserID, members: [UserID]? = nil, title: String = "title"
    ) async throws -> FlowID {
        try await done(Write.CreateFlow(newFlow(kind, owner: owner, members: members, title: title)), by: owner).flowID
    }

    /// A text to be sent.
    package func message(_ text: String, to flow: FlowID, blobs: [NewBlob] = []) -> Write.SendMessage {
        Write.SendMessage(flow: flow, content: Self.content(text), blobs: blobs)
    }

    /// Sends a text.
    @discardableResult
    package func send(_ text: String, from author: UserID, to flow: FlowID) async throws -> Receipt<Int64> {
        try await done(message(text, to: flow), by: author)
    }

    private static let opening = Array(#"{"text":""#.utf8)
    private static let closing = Array(#""}"#.utf8)

    /// The content of a message with this text, which is not escaped.
    package static func content(_ text: String) -> [UInt8] { opening + Array(text.utf8) + closing }

    /// The text in what `content` made, `nil` for other content.
    @Sendable package static func text(_ content: [UInt8]) -> String? {
        guard content.starts(with: opening), content.count >= opening.count + closing.count else { return nil }
        return String(decoding: content.dropFirst(opening.count).dropLast(closing.count), as: UTF8.self)
    }
}

extension WriteOutcome {
    /// Where the write stands; throws unless it was done.
    package var receipt: Receipt<Result> {
        get throws {
            guard case .done(let receipt) = self else { throw StorageTestError("the write was not done: \(self)") }
            return receipt
        }
    }

    /// Why it was refused, if it was.
    package var refusal: WriteRefusal? {
        if case .refused(let refusal) = self { refusal } else { nil }
    }

    /// Why it failed, if it did.
    package var failure: StorageError? {
        if case .failed(let error) = self { error } else { nil }
    }
}

extension Receipt {
    /// The number of the message that was sent.
    package var number: Int64? { result as? Int64 }

    /// The account that the write made.
    package var userID: UserID { get throws { try row() } }

    /// The flow that the write made.
    package var flowID: FlowID { get throws { try row() } }

    private func row<Row>() throws -> Row {
        guard let row = result as? Row else { throw StorageTestError("the write made no such row") }
        return row
    }
}

extension MessageRecord {
    /// The text as it stands, `nil` when deleted.
    package var text: String? {
        switch change {
        case .edited(_, let content): StorageUnderTest.text(content)
        case .deleted: nil
        case nil: StorageUnderTest.text(content)
        }
    }
}
