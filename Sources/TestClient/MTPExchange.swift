// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import MTP
import NIOCore
import Synchronization

/// Pairs requests and answers of one connection by their order.
final class MTPExchange: Sendable {
    private typealias Waiter = CheckedContinuation<Result<MTPResponse, ClientError>, Never>

    /// A request without an answer.
    ///
    /// Without a continuation its task was cancelled, and its answer still comes.
    private struct Entry {
        var id: UInt64
        var waiter: Waiter?
    }

    private struct State {
        var waiting: [Entry] = []
        var first = 0
        var nextID: UInt64 = 0
        var failure: ClientError?

        mutating func takeFirst() -> Entry? {
            guard first < waiting.count else { return nil }
            let entry = waiting[first]
            waiting[first].waiter = nil
            first += 1
            if first == waiting.count || first > 1024 {
                waiting.removeFirst(first)
                first = 0
            }
            return entry
        }
    }

    private let state = Mutex(State())
    private let pushes: AsyncStream<MTPResponse>.Continuation

    init(pushes: AsyncStream<MTPResponse>.Continuation) {
        self.pushes = pushes
    }

    /// Takes the next place in the row, calls `send` in the same order, and waits.
    func answer(send: () -> Void) async throws(ClientError) -> MTPResponse {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: Waiter) in
                let failure = state.withLock { state -> ClientError? in
                    if let failure = state.failure { return failure }
                    if Task.isCancelled { return .cancelled }
                    state.waiting.append(Entry(id: id, waiter: continuation))
                    send()
                    return nil
                }
                if let failure { continuation.resume(returning: .failure(failure)) }
            }
        } onCancel: {
            cancel(id)
        }
        return try result.get()
    }

    private func cancel(_ id: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            guard let index = state.waiting[state.first...].firstIndex(where: { $0.id == id }) else { return nil }
            defer { state.waiting[index].waiter = nil }
            return state.waiting[index].waiter
        }
        waiter?.resume(returning: .failure(.cancelled))
    }

    func received(_ frame: ByteBuffer) {
        let result = Result { () throws(MTPDecodeError) in try MTPResponse(decoding: frame) }
            .mapError { ClientError.protocolViolation($0.detail) }
        if case .success(let response) = result, response.meta?.push == true {
            pushes.yield(response)
            return
        }
        guard let entry = state.withLock({ $0.takeFirst() }) else {
            return end(failure: .protocolViolation("an answer without a request"))
        }
        entry.waiter?.resume(returning: result)
    }

    /// Fails what waits and everything later.
    ///
    /// Only the first call counts.
    func end(failure: ClientError) {
        let waiting = state.withLock { state in
            if state.failure == nil { state.failure = failure }
            defer {
                state.waiting = []
                state.first = 0
            }
            return state.waiting[state.first...]
        }
        for entry in waiting { entry.waiter?.resume(returning: .failure(failure)) }
        pushes.finish()
    }
}
