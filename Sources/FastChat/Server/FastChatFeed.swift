// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

extension FastChatNotice {
    /// Whether the server can read what is written to a group.
    static func privacy(of group: FastChatGroupNumber, isEndToEnd: Bool) -> FastChatNotice {
        FastChatNotice(
            isEndToEnd
                ? "Group \(group.rawValue) is end to end: only its members can read what is written to it."
                : "Group \(group.rawValue) is not end to end: the server opens what is written to it, for members "
                    + "without a FastChat client.",
            group: group)
    }

    /// The server can read what is written to an account.
    static func notEndToEnd(with user: FastChatUserNumber) -> FastChatNotice {
        FastChatNotice(
            "Messages to \(user.rawValue) are not end to end: the server opens them, as that user has no FastChat "
                + "client.")
    }
}

/// Turns what happened in the log into what a client of the protocol reads.
struct FastChatFeed {
    let service: FastChatService
    let principal: Principal
    let reader: FastChatReader
    /// Groups of which the client knows that the server opens what is written to them.
    var toldOpen: Set<FlowID> = []

    /// How many events are read at a time.
    private static let pageEvents = 64

    /// What follows a position of the log.
    ///
    /// - Parameter position: Up to where the client has everything.
    /// - Returns: What to write, in the order of the log; the position that this brings the client to; whether more
    ///   follows.
    /// - Throws: What the store says.
    mutating func page(
        after position: Position
    ) async throws(ChatError) -> (entries: [FastChatReader.Entry], cursor: Position, isCut: Bool) {
        let page = try await service.chat.groupUpdates(for: principal, after: position, limit: Self.pageEvents)
        let (reader, messages) = (reader, page.messages)
        var entries: [FastChatReader.Entry] = []
        if !messages.isEmpty {
            entries = await Chat.offLoopInPage {
                messages.map { missed in
                    FastChatReader.Entry(
                        position: missed.message.position,
                        objects: reader.objects(for: missed.message, in: missed.flow, body: missed.body))
                }
            }
        }
        for news in page.news {
            let time = FastChatTime.text(milliseconds: news.time.milliseconds)
            let objects = try await notices(for: news).map { $0.encoded(for: reader.number, time: time) }
            entries.append(FastChatReader.Entry(position: news.position, objects: objects))
        }
        if !page.news.isEmpty { entries.sort { $0.position < $1.position } }
        return (entries, page.cursor, page.isCut)
    }

    private mutating func notices(for news: GroupNews) async throws(ChatError) -> [FastChatNotice] {
        let group = FastChatGroupNumber(news.flow)
        switch news.change {
        case .joined:
            // The own doing was answered.
            guard news.actor != principal.user else { return [] }
            var notices: [FastChatNotice] = []
            if let actor = news.actor {
                notices.append(.added(to: group, by: FastChatUserNumber(try await service.chat.person(actor))))
            } else {
                notices.append(
                    FastChatNotice("You have been added to group \(group.rawValue) by the administrator", group: group))
            }
            do {
                notices.append(try await privacy(of: service.group(group, for: principal)))
            } catch .noSuchFlow {
                // Removed since.
            }
            return notices
        case .left:
            guard let actor = news.actor else {
                return [
                    FastChatNotice(
                        "You have been removed from group \(group.rawValue) by the administrator", group: group)
                ]
            }
            if actor == principal.user {
                return [FastChatNotice("You have left group \(group.rawValue)", group: group)]
            }
            return [.removed(from: group, by: FastChatUserNumber(try await service.chat.person(actor)))]
        case .bridged:
            guard toldOpen.insert(news.flow).inserted else { return [] }
            return [.privacy(of: group, isEndToEnd: false)]
        }
    }

    /// Says whether a group is end to end.
    mutating func privacy(of flow: FlowAccess) async throws(ChatError) -> FastChatNotice {
        let isEndToEnd = try await service.isEndToEnd(flow)
        if !isEndToEnd { toldOpen.insert(flow.id) }
        return .privacy(of: FastChatGroupNumber(flow.id), isEndToEnd: isEndToEnd)
    }
}
