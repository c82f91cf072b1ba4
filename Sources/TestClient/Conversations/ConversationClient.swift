// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A person or a group to talk to, by the name that the protocol has for it.
package struct Conversation: Hashable, Sendable {
    /// What can be talked to.
    package enum Kind: Sendable { case person, group }

    package var kind: Kind
    /// A login or number of a person; a uuid, row or number of a group.
    package var address: String
    /// The name for people.
    package var title: String

    package static func person(_ name: String) -> Conversation {
        Conversation(kind: .person, address: name, title: name)
    }

    package static func group(_ address: String, title: String) -> Conversation {
        Conversation(kind: .group, address: address, title: title.isEmpty ? String(address.prefix(8)) : title)
    }

    package static func == (left: Conversation, right: Conversation) -> Bool {
        left.kind == right.kind && left.address == right.address
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(address)
    }

    /// As people read it: `alice`, `#Garden`.
    package var label: String { kind == .person ? title : "#\(title)" }
}

/// Something that was said.
package struct ChatMessage: Equatable, Sendable {
    package var conversation: Conversation
    package var author: String
    package var isOwn: Bool
    package var text: String
    /// Unix seconds; `nil` where the protocol does not say.
    package var time: Int64?

    package init(conversation: Conversation, author: String, isOwn: Bool, text: String, time: Int64? = nil) {
        self.conversation = conversation
        self.author = author
        self.isOwn = isOwn
        self.text = text
        self.time = time
    }
}

/// A person whom the account knows.
package struct ConversationContact: Equatable, Sendable {
    package var name: String
    /// `nil` where the protocol does not say.
    package var isOnline: Bool?
}

/// What a connection is told.
package enum ConversationEvent: Equatable, Sendable {
    case said(ChatMessage)
    case presence(String, isOnline: Bool)
    case notice(String)
    /// The account is in a group, perhaps one that it has just made.
    case joined(Conversation)
}

/// One person's connection over some protocol, as far as people who talk notice it.
///
/// What a protocol does not have throws a `ConversationError` that says so.
package protocol ConversationClient: AnyObject, Sendable {
    var wireProtocol: WireProtocol { get }
    /// The name by which others write to this person.
    var own: String { get }

    /// What came since the last call, waiting for it; `nil` when the connection has ended.
    ///
    /// For one caller at a time.
    func nextEvents() async -> [ConversationEvent]?
    /// Finds a person by login or number, or with `#` a group.
    func find(_ name: String) async throws -> Conversation
    func say(_ text: String, to conversation: Conversation) async throws
    /// Asks something that changes nothing, and waits for the answer.
    func ping() async throws
    func close() async

    func contacts() async throws -> [ConversationContact]
    func add(_ name: String) async throws -> ConversationContact
    func groups() async throws -> [Conversation]
    /// What was said last, oldest first.
    func history(of conversation: Conversation, count: Int) async throws -> [ChatMessage]
    /// Sends the bytes of a picture.
    func show(_ picture: [UInt8], to conversation: Conversation) async throws
    /// Makes a group; `nil` when the answer comes as an event.
    func makeGroup(title: String, members: [String]) async throws -> Conversation?
    func addMember(_ name: String, to group: Conversation) async throws
    func removeMember(_ name: String, from group: Conversation) async throws
}

extension ConversationClient {
    private func missing(_ what: String) -> ConversationError {
        ConversationError(.unsupported, "The protocol \(wireProtocol.rawValue) has no \(what).")
    }

    package func contacts() async throws -> [ConversationContact] { throw missing("list of contacts") }
    package func add(_ name: String) async throws -> ConversationContact { throw missing("list of contacts") }
    package func groups() async throws -> [Conversation] { throw missing("list of groups") }
    package func history(of conversation: Conversation, count: Int) async throws -> [ChatMessage] {
        throw missing("history")
    }
    package func show(_ picture: [UInt8], to conversation: Conversation) async throws { throw missing("pictures") }
    package func makeGroup(title: String, members: [String]) async throws -> Conversation? {
        throw missing("request that makes a group")
    }
    package func addMember(_ name: String, to group: Conversation) async throws {
        throw missing("request that adds members to a group")
    }
    package func removeMember(_ name: String, from group: Conversation) async throws {
        throw missing("request that removes members from a group")
    }
}

/// Why a client could not do what was asked, beside what its server refused.
///
///     No group 'Team' is visible to alice.
package struct ConversationError: Error, Equatable, Sendable {
    /// What is the matter, for branching.
    package enum Kind: Sendable { case unsupported, invalid, notFound }

    package var kind: Kind
    /// A sentence.
    package var message: String
    /// What to do: a sentence, if there is something.
    package var nextStep: String?

    init(_ kind: Kind, _ message: String, nextStep: String? = nil) {
        self.kind = kind
        self.message = message
        self.nextStep = nextStep
    }
}

/// Runs something that a server is to answer in time.
///
/// - Throws: What `body` throws; `ClientError.timedOut`.
package func answered<Value: Sendable>(
    within limit: Duration, by address: String, giveUp: @escaping @Sendable () async -> Void,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        do {
            if let first = try await group.next(), let value = first { return value }
        } catch is CancellationError where Task.isCancelled {
            await giveUp()
            throw CancellationError()
        }
        await giveUp()
        throw ClientError.timedOut(address: address, after: limit)
    }
}
