// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import FoundationEssentials
import Storage

/// An entry of the log as an operator sees it.
package struct LogEntry: Codable, Sendable, Equatable {
    /// Where an entry is: a flow.
    package struct Place: Codable, Sendable, Equatable {
        /// Identifies the flow.
        package var uuid: String
        /// `chat`, `group` or `channel`.
        package var type: String
        /// Its title; empty for most chats of two.
        package var title: String
        /// The logins of a chat of two; `nil` for others.
        package var partners: [String]?
    }

    /// The longest text that is shown, in bytes; longer ones are cut.
    package static let maximumTextBytes = 4096

    /// Its place in the log.
    package var position: Int64
    /// When it was committed, as RFC 3339 writes it.
    package var time: String
    /// Such as `message` or `join`.
    package var kind: String
    /// What happened to the session, account, flow and so on, in a word such as `opened`; `nil` where the kind says it.
    @Nullable package var detail: String?
    /// The login of who caused it; `nil` for the operator.
    @Nullable package var sender: String?
    /// The login of whom it is about, such as who joined.
    @Nullable package var subject: String?
    /// The flow it is in; `nil` for what belongs to none, or when the flow was deleted since.
    @Nullable package var flow: Place?
    /// Counts the flow's messages from 0.
    @Nullable package var number: Int64?
    /// The protocol by which it came; `nil` for what is the operator's, and for what is older than this note.
    @Nullable package var `protocol`: String?
    /// The size of the content in bytes.
    package var size: Int
    /// A message's text, if it was asked for.
    package var text: String?

    init(_ watched: WatchedEvent, showsText: Bool) {
        let event = watched.event
        position = event.position.rawValue
        time = event.time.text
        kind = event.kind.rawValue
        detail = Self.detail(event)
        sender = watched.sender?.login
        subject = watched.subject?.login
        flow = watched.flow.map { flow in
            Place(
                uuid: flow.uuid.description, type: flow.kind.rawValue, title: flow.title,
                partners: flow.kind == .chat ? watched.partners.map(\.login) : nil)
        }
        number = event.number
        self.protocol = watched.event.protocol
        size = event.content.count
        if showsText { text = watched.text.map(Self.cut) }
    }

    private struct What: Decodable {
        var what: String?
        var opened: Bool?
        var bridged: Bool?
        var added: Bool?
    }

    private static func detail(_ event: LogEvent) -> String? {
        switch event.kind {
        case .message, .edit, .deletion, .join, .leave: return nil
        case .flow, .user, .session, .contact, .key, .admin, .invite: break
        }
        guard let content = try? JSONDecoder().decode(What.self, from: Data(event.content)) else { return nil }
        if let what = content.what { return what }
        if content.opened == true { return "opened" }
        if content.bridged == true { return "bridged" }
        return content.added.map { $0 ? "added" : "removed" }
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > maximumTextBytes else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: maximumTextBytes)
        while end.samePosition(in: text) == nil { end = text.utf8.index(before: end) }
        return text[..<end] + "…"
    }
}
