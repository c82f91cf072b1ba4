// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// Goes through the log for messages that are older than the type of their flow is kept, and erases them, some at a
/// time.
///
/// It remembers nothing: what an interruption leaves is found by the next one.
package struct MessageExpiry: Sendable {
    /// What was found in flows of one type.
    package struct Found: Sendable, Equatable {
        package var messages: Int64 = 0
        /// What they and their attachments take, each attachment as often as it was sent.
        package var bytes: Int64 = 0

        package init() {}
    }

    /// How much of the log is looked at in one step.
    private static let window: Int64 = 5000
    /// How many messages are erased in one transaction, which others wait for.
    private static let maximumBatch = 200

    private let chat: Chat
    private let limits: [FlowRecord.Kind: Timestamp]
    private let isTrial: Bool
    /// Where the last step ends.
    package let end: Position
    /// How far it is.
    package private(set) var position = Position.start
    /// What was erased so far or, in a trial, would be.
    package private(set) var found: [FlowRecord.Kind: Found] = [:]

    /// Begins with the oldest message; a trial only counts.
    package init(
        of chat: Chat, keeping ages: [FlowRecord.Kind: Duration], isTrial: Bool = false
    ) async throws(ChatError) {
        self.chat = chat
        self.isTrial = isTrial
        let now = chat.currentTime.milliseconds
        let limits = ages.mapValues { Timestamp(milliseconds: now - $0.components.seconds * 1000) }
        self.limits = limits
        if let latest = limits.values.max() {
            end = try await chat.reading { try await chat.storage.position(ofLastAtOrBefore: latest) }
        } else {
            end = .start
        }
    }

    /// Looks at the next part of the log.
    ///
    /// - Returns: Whether there is more.
    /// - Throws: `.busy` when the writer has no room; the step may be repeated.
    package mutating func step() async throws(ChatError) -> Bool {
        guard position < end else { return false }
        let (chat, limits, low) = (chat, limits, position)
        let high = min(Position(low.rawValue + Self.window), end)
        let expired = try await chat.reading {
            try await chat.storage.expiredMessages(sentBefore: limits, after: low, upTo: high)
        }
        for (flow, messages) in Dictionary(grouping: expired, by: \.flow).sorted(by: { $0.key < $1.key }) {
            var rest = messages[...]
            while !rest.isEmpty {
                let batch = rest.prefix(Self.maximumBatch)
                rest = rest.dropFirst(batch.count)
                if try await erase(batch, in: flow) { count(batch) }
            }
        }
        position = high
        return position < end
    }

    /// - Returns: Whether they were there.
    private func erase(_ messages: ArraySlice<StoredMessage>, in flow: FlowID) async throws(ChatError) -> Bool {
        if isTrial { return true }
        do throws(ChatError) {
            let receipt = try await chat.write(
                Write.EraseMessages(flow: flow, messages: messages.map(\.position)), by: nil)
            guard !receipt.existed else { return false }
        } catch .noSuchFlow {
            // It was deleted since.
            return false
        }
        for message in messages { chat.refund(message.bytes, to: message.sender) }
        return true
    }

    private mutating func count(_ messages: ArraySlice<StoredMessage>) {
        for message in messages {
            found[message.kind, default: Found()].messages += 1
            found[message.kind, default: Found()].bytes += message.bytes
        }
    }
}
