// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import NIOCore
import Storage
import Transport

/// What others wrote: what happens live, and what is read from the log.
extension FastChatSession {
    func deliver(_ delivery: FastChatDelivery) {
        guard !isOver, let news, let reader else { return }
        guard !service.chat.isExpired(news.principal) else { return endSession() }
        switch delivery {
        case .hint: reader.hinted()
        case .change(let change):
            if change.mayMove(news.principal.user) { return reader.hinted() }
            if reader.takes(change.span, isReady: true) { reached(change.span.upperBound) } else { reader.readIfDue() }
        case .run(let run):
            guard reader.takes(run.span, isReady: outbox.hasRoom && sealing == nil) else { return reader.readIfDue() }
            if news.reader.isQuick(run) { write(news.reader.entries(for: run)) } else { seal(run, for: news) }
        }
    }

    /// What the operator has to say to everybody, from any thread.
    func announced(_ message: String) {
        core.eventLoop?.execute {
            if self.hasRoom, self.news != nil { self.tell(FastChatNotice(message)) }
        }
    }

    /// Encrypts what would hold up the event loop somewhere else; what comes meanwhile is read from the log.
    private func seal(_ run: LiveRun, for news: FastChatNews) {
        guard let connection else { return }
        let pages = service.chat.pages
        sealing = Task(executorPreference: connection.taskExecutor) {
            let entries = await pages.page { () async in
                await Chat.offLoopInPage { news.reader.entries(for: run) }
            }
            self.sealing = nil
            guard let entries, !self.isOver, self.news?.principal == news.principal else { return }
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

    var mayRead: Bool { hasRoom && news != nil && sealing == nil }

    func showPage(after position: Position) async throws(ChatError) -> (shown: Position, isCut: Bool)? {
        guard var reading = news else { return nil }
        let page = try await reading.page(after: position)
        guard !isOver else { return nil }
        guard !service.chat.isExpired(reading.principal) else {
            endSession()
            return nil
        }
        news?.toldOpen.formUnion(reading.toldOpen)
        write(page.entries)
        reached(page.cursor)
        return (page.cursor, page.isCut)
    }

    // MARK: How much has arrived

    private func reached(_ position: Position) {
        if let position = outbox.reached(position) { note(position) }
    }

    func note(_ position: Position) {
        guard let user = news?.principal.user else { return }
        service.chat.cursors.note(user, device: FastChatService.name, at: position)
    }
}
