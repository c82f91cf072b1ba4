// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import NIOCore
import Storage
import Transport

/// What others wrote: what happens live, and what is read from the log.
extension FastChatSession {
    func deliver(_ delivery: FastChatDelivery) {
        guard !isOver, let feed, let reader else { return }
        guard !service.chat.isExpired(feed.principal) else { return endSession() }
        switch delivery {
        case .hint: reader.hinted()
        case .change(let change):
            if change.mayMove(feed.principal.user) { return reader.hinted() }
            if reader.takes(change.span, isReady: true) { reached(change.span.upperBound) } else { reader.readIfDue() }
        case .run(let run):
            guard reader.takes(run.span, isReady: outbox.hasRoom && sealing == nil) else { return reader.readIfDue() }
            if feed.reader.isQuick(run) { write(feed.reader.entries(for: run)) } else { seal(run, for: feed) }
        }
    }

    /// What the operator has to say to everybody, from any thread.
    func announced(_ message: String) {
        core.eventLoop?.execute {
            if self.hasRoom, self.feed != nil { self.tell(FastChatNotice(message)) }
        }
    }

    /// Encrypts what would hold up the event loop somewhere else; what comes meanwhile is read from the log.
    private func seal(_ run: LiveRun, for feed: FastChatFeed) {
        guard let connection else { return }
        let pages = service.chat.pages
        sealing = Task(executorPreference: connection.taskExecutor) {
            let entries = await pages.page { () async in
                await Chat.offLoopInPage { feed.reader.entries(for: run) }
            }
            self.sealing = nil
            guard let entries, !self.isOver, self.feed?.principal == feed.principal else { return }
            self.write(entries)
            self.reader?.readIfDue()
        }
    }

    private func write(_ entries: [FastChatReader.Entry]) {
        for entry in entries {
            for object in entry.objects { write(object) }
            reached(entry.position)
        }
    }

    // MARK: Reading

    var mayRead: Bool { hasRoom && feed != nil && sealing == nil }

    func showPage(after position: Position) async throws(ChatError) -> (shown: Position, isCut: Bool)? {
        guard var reading = feed else { return nil }
        let page = try await reading.page(after: position)
        guard !isOver else { return nil }
        guard !service.chat.isExpired(reading.principal) else {
            endSession()
            return nil
        }
        feed?.toldOpen.formUnion(reading.toldOpen)
        write(page.entries)
        reached(page.cursor)
        return (page.cursor, page.isCut)
    }

    // MARK: How much has arrived

    private func reached(_ position: Position) {
        if let position = outbox.reached(position) { note(position) }
    }

    func note(_ position: Position) {
        guard let user = feed?.principal.user else { return }
        service.chat.cursors.note(user, device: FastChatService.name, at: position)
    }
}
