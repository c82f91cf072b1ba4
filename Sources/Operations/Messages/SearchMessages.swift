// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `message.search`: the messages that contain every one of some words, newest first, a page at a time.
///
/// Case does not count. Encrypted and deleted messages are not found.
package struct SearchMessages: AdminOperation {
    package static let name = "message.search"
    package static let summary = "Find the messages that contain every one of some words, newest first."
    package static let access = OperationActor.Scope.read

    private static let maximumBytes = 4096

    /// Separated by spaces; a message has to contain every one.
    package var words: String
    /// Which part of the list; `after` is what the page before gave, 0 for the newest.
    package var range: ListRange

    package init(words: String, range: ListRange = ListRange()) {
        self.words = words
        self.range = range
    }

    package func run(on context: OperationContext) async throws(OperationError) -> ListPage<MessageReport> {
        try range.check()
        try context.check(words, "search", limit: Self.maximumBytes)
        guard words.contains(where: { $0.isLetter || $0.isNumber }) else {
            throw OperationError(.invalid, "The search has no word in it.", nextStep: "Give a word.")
        }
        let before = range.after > 0 ? Position(range.after) : Position(.max)
        let page = try await context.reading {
            try await $0.messages(
                matching: [words], before: before, limit: range.limit, text: MessageContent.searchText)
        }
        let hasMore = page.isCut || page.messages.count == range.limit
        return ListPage(
            items: try await context.reports(of: page.messages),
            next: hasMore ? page.messages.last?.position.rawValue : nil)
    }
}
