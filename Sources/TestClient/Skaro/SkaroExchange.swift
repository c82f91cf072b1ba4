// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import NIOCore
import Synchronization

/// Pairs requests and answers of one connection by their `id`, and sorts out the pushes.
final class SkaroExchange: Sendable {
    typealias Outcome = Result<SkaroAnswer, ClientError>

    private enum Entry {
        /// The request is on its way, and nobody waits yet.
        case sent
        case waiting(CheckedContinuation<Outcome, Never>)
        case answered(Outcome)
    }

    private struct State {
        var entries: [Int64: Entry] = [:]
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

    /// Takes the next `id`; every one must be waited for or given up.
    func newRequest() throws(ClientError) -> Int64 {
        let result = state.withLock { state -> Result<Int64, ClientError> in
            if let failure = state.failure { return .failure(failure) }
            state.lastID += 1
            state.entries[state.lastID] = .sent
            return .success(state.lastID)
        }
        return try result.get()
    }

    /// Waits for the answer to a request.
    func answer(to id: Int64) async throws(ClientError) -> SkaroAnswer {
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> Outcome? in
                    defer { if case .answered = state.entries[id] { state.entries[id] = nil } }
                    if case .answered(let outcome) = state.entries[id] { return outcome }
                    if let failure = state.failure { return .failure(failure) }
                    if Task.isCancelled { return .failure(.cancelled) }
                    state.entries[id] = .waiting(continuation)
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            giveUp(id)
        }
        return try outcome.get()
    }

    /// Nobody waits for a request any more; its answer may still come.
    func giveUp(_ id: Int64) {
        let entry = state.withLock { $0.entries.updateValue(.sent, forKey: id) }
        if case .waiting(let continuation) = entry { continuation.resume(returning: .failure(.cancelled)) }
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
        let (entry, isKnown) = state.withLock { state in
            let entry = state.entries[id]
            switch entry {
            case .waiting: state.entries[id] = nil
            case .sent: state.entries[id] = .answered(.success(answer))
            case .answered, nil: return (entry, false)
            }
            return (entry, true)
        }
        guard isKnown else { return end(failure: .protocolViolation("an answer without a request")) }
        if case .waiting(let continuation) = entry { continuation.resume(returning: .success(answer)) }
    }

    /// Fails what waits and everything later.
    ///
    /// Only the first call counts.
    func end(failure: ClientError) {
        let entries = state.withLock { state in
            if state.failure == nil { state.failure = failure }
            defer {
                state.entries = state.entries.filter { if case .answered = $0.value { true } else { false } }
            }
            return state.entries.values
        }
        for case .waiting(let continuation) in entries { continuation.resume(returning: .failure(failure)) }
        challenge.finish()
        pushes.finish()
    }

    /// Why the connection ended; `nil` while it lives.
    var failure: ClientError? { state.withLock { $0.failure } }
}
