// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import DequeModule
package import FastChat
import Glibc
import JSON
import Synchronization

/// What a client of FastChat is told.
package enum FastChatEvent: Equatable, Sendable {
    case message(FastChatReceived)
    case notice(FastChatNotice)
}

/// A message as its reader sees it.
package struct FastChatReceived: Equatable, Sendable {
    package var kind: FastChatHeader.Kind
    package var sender: FastChatUserNumber
    /// `nil` for a direct message.
    package var group: FastChatGroupNumber?
    package var time: String
    /// `nil` when the reader's key does not open it.
    package var text: String?

    package init(
        kind: FastChatHeader.Kind, sender: FastChatUserNumber, group: FastChatGroupNumber? = nil, time: String,
        text: String?
    ) {
        self.kind = kind
        self.sender = sender
        self.group = group
        self.time = time
        self.text = text
    }
}

/// Who a client is.
struct FastChatAccount: Sendable {
    var number: FastChatUserNumber
    var key: RSAPrivateKey?
}

/// The real time, for the texts that clients write.
enum ClientTime {
    /// Milliseconds since 1970.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// Takes apart what a FastChat server sends: answers for those who wait, the rest for the stream.
final class FastChatExchange: Sendable {
    private struct State {
        var splitter: FastChatSplitter
        var account: FastChatAccount?
        var replies = Deque<AwaitedAnswer<FastChatReply>>()
        var keys = Deque<AwaitedAnswer<FastChatKeysReply>>()
        var outcomes = Deque<AwaitedAnswer<FastChatNotice>>()
        var failure: ClientError?
    }

    private let state: Mutex<State>
    private let events: AsyncStream<FastChatEvent>.Continuation

    init(events: AsyncStream<FastChatEvent>.Continuation, maximumBytes: Int) {
        self.events = events
        state = Mutex(State(splitter: FastChatSplitter(maximumBytes: maximumBytes)))
    }

    var account: FastChatAccount? {
        get { state.withLock { $0.account } }
        set { state.withLock { $0.account = newValue } }
    }

    // MARK: Who waits

    func expectReply() -> AwaitedAnswer<FastChatReply> { expect(\.replies) }
    func expectKeys() -> AwaitedAnswer<FastChatKeysReply> { expect(\.keys) }
    /// What becomes of a change of a group: one notice.
    func expectOutcome() -> AwaitedAnswer<FastChatNotice> { expect(\.outcomes) }

    private func expect<Value: Sendable>(
        _ path: WritableKeyPath<State, Deque<AwaitedAnswer<Value>>>
    ) -> AwaitedAnswer<Value> {
        let answer = AwaitedAnswer<Value>()
        let failure = state.withLock { state in
            if state.failure == nil { state[keyPath: path].append(answer) }
            return state.failure
        }
        if let failure { answer.settle(.failure(failure)) }
        return answer
    }

    static func isRefusal(_ notice: FastChatNotice) -> Bool {
        notice.text.hasPrefix("Request refused:")
    }

    /// Whether a notice tells the outcome of a request, not what another user did.
    private static func isOutcome(_ notice: FastChatNotice) -> Bool {
        isRefusal(notice) || notice.text.hasPrefix("You have successfully created")
            || notice.text.hasPrefix("You have added") || notice.text.hasPrefix("You have removed")
            || notice.text.hasPrefix("You have left")
    }

    // MARK: From the connection

    func received(_ bytes: [UInt8]) {
        for piece in state.withLock({ $0.splitter.receive(bytes) }) {
            do throws(FastChatDecodeError) {
                switch piece {
                case .value(let value): received(try FastChatServerUnit(decoding: value))
                case .refusal(let error): throw error
                }
            } catch {
                end(.protocolViolation(error.detail))
            }
        }
    }

    private func received(_ unit: FastChatServerUnit) {
        switch unit {
        case .reply(let reply): state.withLock { $0.replies.popFirst() }?.settle(.success(reply))
        case .items(let items): for item in items { received(item) }
        }
    }

    private func received(_ item: FastChatItem) {
        switch item {
        case .keys(let keys): state.withLock { $0.keys.popFirst() }?.settle(.success(keys))
        case .notice(let notice, _):
            if Self.isOutcome(notice) { state.withLock { $0.outcomes.popFirst() }?.settle(.success(notice)) }
            events.yield(.notice(notice))
        case .message(let message):
            let envelope = HybridEnvelope(message: message.copy.body.string, key: message.copy.key.string)
            var random = SecureRandom()
            let text = account?.key.flatMap { envelope.text(openedWith: $0, using: &random) }
            events.yield(
                .message(
                    FastChatReceived(
                        kind: message.header.kind, sender: message.header.sender, group: message.header.group,
                        time: message.header.time, text: text)))
        }
    }

    func end(_ error: ClientError) {
        let ended = state.withLock { state -> State in
            defer {
                state.failure = state.failure ?? error
                state.replies = []
                state.keys = []
                state.outcomes = []
            }
            return state
        }
        for answer in ended.replies { answer.settle(.failure(error)) }
        for answer in ended.keys { answer.settle(.failure(error)) }
        for answer in ended.outcomes { answer.settle(.failure(error)) }
        events.finish()
    }
}
