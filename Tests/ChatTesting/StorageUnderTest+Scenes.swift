// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

extension StorageUnderTest {
    /// Commits one write by itself.
    package func perform(_ action: Write.Action, by author: UserID? = nil) async throws -> WriteOutcome {
        let batch = try await storage.commit([write(action, by: author)])
        guard batch.outcomes.count == 1 else {
            throw StorageTestError("one write has \(batch.outcomes.count) outcomes")
        }
        return batch.outcomes[0]
    }

    /// Commits one write, which must be done.
    @discardableResult
    package func done(_ action: Write.Action, by author: UserID? = nil) async throws -> Receipt {
        try await perform(action, by: author).receipt
    }

    /// Commits one write that is expected to be refused.
    package func refusal(of action: Write.Action, by author: UserID? = nil) async throws -> WriteRefusal? {
        try await perform(action, by: author).refusal
    }

    /// A write with a uuid of its own.
    package func write(_ action: Write.Action, by author: UserID? = nil) -> Write {
        Write(uuid: newUUID(), author: author, action: action)
    }

    /// A new account's description; the compared form of the login is its lower case.
    package func newUser(_ login: String, isHidden: Bool = false) -> NewUser {
        NewUser(
            uuid: newUUID(), login: login, loginKey: login.lowercased(), username: "name of \(login)",
            passwordHash: "hash of \(login)", isHidden: isHidden, email: "\(login)@example.org", avatar: "avatar",
            bio: "bio")
    }

    /// Makes an account.
    package func createUser(_ login: String, isHidden: Bool = false) async throws -> UserID {
        try await done(.createUser(newUser(login, isHidden: isHidden), session: nil, admin: nil)).userID
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
        try await done(.createFlow(newFlow(kind, owner: owner, members: members, title: title)), by: owner).flowID
    }

    /// The action of sending a text.
    package func message(_ text: String, to flow: FlowID, blobs: [NewBlob] = []) -> Write.Action {
        .sendMessage(flow: flow, content: Self.content(text), blobs: blobs)
    }

    /// Sends a text.
    @discardableResult
    package func send(_ text: String, from author: UserID, to flow: FlowID) async throws -> Receipt {
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
    package var receipt: Receipt {
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
    /// The account that the write made.
    package var userID: UserID {
        get throws {
            guard let row else { throw StorageTestError("the write made no row") }
            return UserID(row)
        }
    }

    /// The flow that the write made.
    package var flowID: FlowID {
        get throws {
            guard let row else { throw StorageTestError("the write made no row") }
            return FlowID(row)
        }
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
