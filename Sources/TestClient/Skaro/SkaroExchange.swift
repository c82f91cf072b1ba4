// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import NIOCore
import Synchronization

/// Pairs requests and answers of one connection by their `id`, and sorts out the pushes.
final class SkaroExchange: Sendable {
    private struct State {
        var waiting: [Int64: AwaitedAnswer<SkaroAnswer>] = [:]
        var lastID: Int64 = 0
        var failure: ClientError?
    }

    private let state = Mutex(State())
    private let challenge: AsyncStream<String>.Continuation
    private let pushes: AsyncStream<SkaroNews>.Continuation

    init(challenge: AsyncStream<String>.Continuation, pushes: AsyncStream<SkaroNews>.Continuation) {
        self.challenge = challenge
        self.pushes = pushes
    }

    /// Takes the next `id`, with the answer to come.
    func newRequest() throws(ClientError) -> (id: Int64, answer: AwaitedAnswer<SkaroAnswer>) {
        let answer = AwaitedAnswer<SkaroAnswer>()
        let (id, failure) = state.withLock { state in
            state.lastID += 1
            if state.failure == nil { state.waiting[state.lastID] = answer }
            return (state.lastID, state.failure)
        }
        if let failure { throw failure }
        return (id, answer)
    }

    func received(_ frame: ByteBuffer) {
        let decoded = frame.withUnsafeReadableBytes { bytes in
            Result { () throws(CBORError) in try CBORValue(decoding: bytes) }
        }
        guard case .success(let value) = decoded, let type = value["type"]?.text else {
            return end(failure: .protocolViolation("a frame that is no CBOR map with a type"))
        }
        switch type {
        case "check_connection":
            guard let token = value["token"]?.text else {
                return end(failure: .protocolViolation("a check_connection without its token"))
            }
            challenge.yield(token)
        case "request": answered(value)
        default: pushes.yield(SkaroNews(value))
        }
    }

    private func answered(_ value: CBORValue) {
        guard let answer = SkaroAnswer(value), let id = value["id"]?.int else {
            return end(failure: .protocolViolation("an answer without an id or a status"))
        }
        guard let waiting = state.withLock({ $0.waiting.removeValue(forKey: id) }) else {
            return end(failure: .protocolViolation("an answer without a request"))
        }
        waiting.settle(.success(answer))
    }

    /// Fails what waits and everything later.
    ///
    /// Only the first call counts.
    func end(failure: ClientError) {
        let waiting = state.withLock { state in
            if state.failure == nil { state.failure = failure }
            defer { state.waiting = [:] }
            return state.waiting
        }
        for answer in waiting.values { answer.settle(.failure(failure)) }
        challenge.finish()
        pushes.finish()
    }

    /// Why the connection ended; `nil` while it lives.
    var failure: ClientError? { state.withLock { $0.failure } }
}
