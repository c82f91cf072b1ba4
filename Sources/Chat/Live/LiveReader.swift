// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// What shows the log to one peer: a session of a protocol.
///
/// Every call comes in a job of the executor that the ``LiveReader`` was made with.
package protocol LogPresenter: AnyObject, Sendable {
    /// Whether the peer keeps up and the session goes on.
    var mayRead: Bool { get }
    /// Reads what follows a position and shows it, as far as the peer keeps up.
    ///
    /// - Returns: Up to where everything was shown and whether more follows; `nil` when the session is over.
    func showPage(after position: Position) async throws(ChatError) -> (shown: Position, isCut: Bool)?
}

/// Brings a connection what is in the log: page after page until it is up to date, then what comes live, then pages
/// again when it fell behind.
///
/// For code on the connection's event loop only; the reads are tasks of it.
package final class LiveReader: @unchecked Sendable {
    /// After which a read that failed is repeated.
    private static let retryPause = Duration.seconds(1)

    private unowned let presenter: any LogPresenter
    private let pages: PageGate
    private let executor: any TaskExecutor
    private var cursor: LiveCursor?
    /// Counts the beginnings, so that a read of before does not move a new cursor.
    private var beginning = 0
    private var retry: Task<Void, Never>?
    private var reading: Task<Void, Never>?

    /// Reads for `presenter`, which must outlive it, through `pages`; nothing is shown until ``begin(after:)``.
    package init(for presenter: any LogPresenter, pages: PageGate, executor: any TaskExecutor) {
        self.presenter = presenter
        self.pages = pages
        self.executor = executor
    }

    /// Everything up to here was shown, or is none of the account's business; `nil` when nothing is shown.
    package var position: Position? { cursor?.position }

    /// From here on what follows `position` is shown, at first by a read.
    package func begin(after position: Position) {
        beginning += 1
        cursor = LiveCursor(after: position)
    }

    /// Nothing is shown any more.
    package func end() {
        beginning += 1
        cursor = nil
        retry?.cancel()
        retry = nil
        reading?.cancel()
        reading = nil
    }

    /// Whether to show what is live at once; see `LiveCursor.takes`.
    package func takes(_ span: ClosedRange<Position>, isReady: Bool) -> Bool {
        cursor?.takes(span, isReady: isReady) ?? false
    }

    /// Something may be new that only a read shows.
    package func hinted() {
        cursor?.hinted()
        readIfDue()
    }

    /// Starts to read if something may be new and the peer keeps up.
    package func readIfDue() {
        guard presenter.mayRead, cursor?.start() == true else { return }
        let (presenter, beginning) = (presenter, beginning)
        reading = Task(executorPreference: executor) { await self.readAll(for: presenter, beginning) }
    }

    private func readAll(for presenter: any LogPresenter, _ beginning: Int) async {
        while presenter.mayRead, self.beginning == beginning, let position = cursor?.next() {
            do throws(ChatError) {
                let page = try await pages.page { () async throws(ChatError) in
                    try await presenter.showPage(after: position)
                }
                guard self.beginning == beginning else { return }
                guard let page = page ?? nil else { break }
                cursor?.arrived(at: page.shown, more: page.isCut)
            } catch {
                guard self.beginning == beginning else { return }
                // Its cause is in the log; what was not read must be read before anything new is taken.
                cursor?.hinted()
                retryLater()
                break
            }
        }
        guard self.beginning == beginning else { return }
        cursor?.stop()
        // A task that has ended keeps its memory for as long as it is held: for each connection that only listens.
        reading = nil
    }

    /// Reads again from the same cursor when the store may have recovered; a hint may come first.
    private func retryLater() {
        guard retry == nil else { return }
        retry = Task(executorPreference: executor) { [weak self, presenter] in
            // The presenter is kept until then, because it keeps this.
            _ = presenter
            guard (try? await Task.sleep(for: Self.retryPause)) != nil, let self else { return }
            self.retry = nil
            self.readIfDue()
        }
    }
}
