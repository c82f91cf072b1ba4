// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Messenger
import Synchronization

/// Pairs the answers of a messenger server with the request that waits, and hands on the pushes.
final class MessengerExchange: Sendable {
    private struct State {
        var reader = MessengerUnitReader()
        var key: MessengerKey?
        /// The request that waits: its first byte, and its answer to come.
        var waiting: (prefix: UInt8, answer: AwaitedAnswer<MessengerAnswer>)?
        var refusals = 0
        var failure: ClientError?
    }

    private let state = Mutex(State())
    private let pushes: AsyncStream<MessengerClient.Push>.Continuation

    init(pushes: AsyncStream<MessengerClient.Push>.Continuation) {
        self.pushes = pushes
    }

    var key: MessengerKey? {
        get { state.withLock { $0.key } }
        set { state.withLock { $0.key = newValue } }
    }

    func takeRefusals() -> Int {
        state.withLock { state in
            defer { state.refusals = 0 }
            return state.refusals
        }
    }

    /// Sends with `send` and waits for the answer that begins with `prefix`.
    func answer(
        prefix: UInt8, send: () async throws(ClientError) -> Void
    ) async throws(ClientError) -> MessengerAnswer {
        let answer = AwaitedAnswer<MessengerAnswer>()
        let failure = state.withLock { state -> ClientError? in
            guard state.waiting == nil else { return .protocolViolation("two requests of the client at a time") }
            if let failure = state.failure { return failure }
            state.waiting = (prefix, answer)
            return nil
        }
        if let failure { throw failure }
        defer { state.withLock { $0.waiting = nil } }
        try await send()
        return try await answer.value()
    }

    /// What a read brought.
    func received(_ bytes: [UInt8]) {
        let units = state.withLock { $0.reader.read(bytes) }
        guard let units else { return end(.protocolViolation("something that is no unit")) }
        for unit in units {
            switch unit {
            case .message(let sender, let text): pushes.yield(.message(from: sender.text, text: text))
            case .presence(let login, let isOnline): pushes.yield(.presence(login.text, isOnline: isOnline))
            case .answer(let answer): received(answer)
            }
        }
    }

    private func received(_ answer: MessengerAnswer) {
        let waiting = state.withLock { state -> AwaitedAnswer<MessengerAnswer>? in
            if let waiting = state.waiting, waiting.prefix == answer.prefix, !waiting.answer.isSettled {
                return waiting.answer
            }
            if case .refused = answer { state.refusals += 1 }
            return nil
        }
        waiting?.settle(.success(answer))
    }

    /// Ends the waiting; only the first call counts.
    func end(_ failure: ClientError) {
        pushes.finish()
        let waiting = state.withLock { state in
            if state.failure == nil { state.failure = failure }
            return state.waiting
        }
        waiting?.answer.settle(.failure(failure))
    }
}

extension MessengerAnswer {
    /// The first byte of the request that it belongs to.
    fileprivate var prefix: UInt8 {
        switch self {
        case .signedUp, .loginTaken, .signUpRefused: 0x00
        case .loggedIn, .noSuchLogin, .wrongPassword: 0x01
        case .loggedOut: 0x02
        case .contacts, .noContacts: 0x03
        case .contactAdded, .noSuchUser: 0x04
        case .refused(let prefix): prefix
        }
    }
}
