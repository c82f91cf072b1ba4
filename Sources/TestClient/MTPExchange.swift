// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import DequeModule
import MTP
import NIOCore
import Synchronization

/// Pairs requests and answers of one connection by their order.
final class MTPExchange: Sendable {
    private struct State {
        /// The answer to a request whose task was cancelled still comes.
        var waiting = Deque<AwaitedAnswer<MTPResponse>>()
        var failure: ClientError?
    }

    private let state = Mutex(State())
    private let pushes: AsyncStream<MTPResponse>.Continuation

    init(pushes: AsyncStream<MTPResponse>.Continuation) {
        self.pushes = pushes
    }

    /// Takes the next place in the row, calls `send` in the same order, and waits.
    func answer(send: () -> Void) async throws(ClientError) -> MTPResponse {
        let answer = AwaitedAnswer<MTPResponse>()
        let failure = state.withLock { state -> ClientError? in
            if let failure = state.failure { return failure }
            if Task.isCancelled { return .cancelled }
            state.waiting.append(answer)
            send()
            return nil
        }
        if let failure { throw failure }
        return try await answer.value()
    }

    func received(_ frame: ByteBuffer) {
        let result = Result { () throws(MTPDecodeError) in try MTPResponse(decoding: frame) }
            .mapError { ClientError.protocolViolation($0.detail) }
        if case .success(let response) = result, response.meta?.push == true {
            pushes.yield(response)
            return
        }
        guard let answer = state.withLock({ $0.waiting.popFirst() }) else {
            return end(failure: .protocolViolation("an answer without a request"))
        }
        answer.settle(result)
    }

    /// Fails what waits and everything later.
    ///
    /// Only the first call counts.
    func end(failure: ClientError) {
        let waiting = state.withLock { state in
            if state.failure == nil { state.failure = failure }
            defer { state.waiting = [] }
            return state.waiting
        }
        for answer in waiting { answer.settle(.failure(failure)) }
        pushes.finish()
    }
}
