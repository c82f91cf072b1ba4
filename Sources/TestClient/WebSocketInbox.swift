// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// What a connection received and was not taken yet, and the task that waits for it.
final class WebSocketInbox: Sendable {
    private typealias Waiter = CheckedContinuation<Result<ByteBuffer?, ClientError>, Never>

    private struct State {
        var messages: [ByteBuffer] = []
        var firstMessage = 0
        var waiters: [(id: UInt64, continuation: Waiter)] = []
        var pongs: [(payload: [UInt8], continuation: CheckedContinuation<Result<Void, ClientError>, Never>)] = []
        var nextID: UInt64 = 0
        var closure: WebSocketClosure?
        var failure: ClientError?

        mutating func takeMessage() -> ByteBuffer? {
            guard firstMessage < messages.count else { return nil }
            let message = messages[firstMessage]
            firstMessage += 1
            if firstMessage == messages.count || firstMessage > 1024 {
                messages.removeFirst(firstMessage)
                firstMessage = 0
            }
            return message
        }
    }

    private let state = Mutex(State())

    /// How the connection ended, once it has.
    var closure: WebSocketClosure? { state.withLock { $0.closure } }

    func deliver(_ message: ByteBuffer) {
        let waiter = state.withLock { state -> Waiter? in
            if state.waiters.isEmpty {
                state.messages.append(message)
                return nil
            }
            return state.waiters.removeFirst().continuation
        }
        waiter?.resume(returning: .success(message))
    }

    /// The next message; `nil` at the end.
    ///
    /// Those that wait get theirs in the order they came.
    func next() async throws(ClientError) -> ByteBuffer? {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: Waiter) in
                let ready = state.withLock { state -> Result<ByteBuffer?, ClientError>? in
                    if let message = state.takeMessage() { return .success(message) }
                    if let failure = state.failure { return .failure(failure) }
                    if state.closure != nil { return .success(nil) }
                    if Task.isCancelled { return .failure(.cancelled) }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
                return state.waiters.remove(at: index).continuation
            }
            waiter?.resume(returning: .failure(.cancelled))
        }
        return try result.get()
    }

    /// Waits for a pong with `payload`; `send` is called once the waiting began.
    func pong(with payload: [UInt8], send: () -> Void) async throws(ClientError) {
        let result = await withCheckedContinuation { continuation in
            let ended = state.withLock { state -> ClientError? in
                if let closure = state.closure { return state.failure ?? .closed(closure) }
                state.pongs.append((payload, continuation))
                return nil
            }
            if let ended { continuation.resume(returning: .failure(ended)) } else { send() }
        }
        try result.get()
    }

    func pongReceived(_ payload: [UInt8]) {
        let waiter = state.withLock { state -> CheckedContinuation<Result<Void, ClientError>, Never>? in
            guard let index = state.pongs.firstIndex(where: { $0.payload == payload }) else { return nil }
            return state.pongs.remove(at: index).continuation
        }
        waiter?.resume(returning: .success(()))
    }

    /// Ends everyone's waiting.
    ///
    /// Only the first call counts.
    func end(_ closure: WebSocketClosure, failure: ClientError?) {
        let (waiters, pongs) = state.withLock { state in
            if state.closure == nil {
                state.closure = closure
                state.failure = failure
            }
            defer {
                state.waiters = []
                state.pongs = []
            }
            return (state.waiters, state.pongs)
        }
        for waiter in waiters { waiter.continuation.resume(returning: failure.map { .failure($0) } ?? .success(nil)) }
        for pong in pongs { pong.continuation.resume(returning: .failure(failure ?? .closed(closure))) }
    }
}
