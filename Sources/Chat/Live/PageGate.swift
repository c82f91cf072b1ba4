// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import DequeModule
import Synchronization

/// Lets a few pages of the log be read and encoded at the same time, the others wait for their turn.
///
/// Between the read and the encoded answer a page takes several times its size. What a protocol does inside must not
/// wait for a peer.
package final class PageGate: Sendable {
    private struct State {
        var free: Int
        var nextID: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        /// The identifiers of those that wait, first come first served, and of some that do not any more.
        var order = Deque<UInt64>()

        mutating func takeFirst() -> CheckedContinuation<Bool, Never>? {
            while let id = order.popFirst() {
                if let continuation = waiting.removeValue(forKey: id) { return continuation }
            }
            return nil
        }

        mutating func take(_ id: UInt64) -> CheckedContinuation<Bool, Never>? {
            defer { if waiting.isEmpty { order.removeAll() } }
            return waiting.removeValue(forKey: id)
        }
    }

    /// How many pages are let in.
    package let places: Int
    private let state: Mutex<State>

    /// Lets `places` pages in.
    package init(places: Int = 8) {
        self.places = places
        state = Mutex(State(free: places))
    }

    /// Reads and encodes a page when there is a place for it.
    ///
    /// - Returns: `nil` when the task was cancelled while it waited: the connection is gone, and nothing was read for
    ///   it.
    @discardableResult
    package func page<Value, Failure>(_ body: () async throws(Failure) -> Value) async throws(Failure) -> Value? {
        guard await enter() else { return nil }
        defer { leave() }
        return try await body()
    }

    /// Does something when there is a place for it, also in a task that is cancelled.
    package func work<Value>(_ body: () async -> Value) async -> Value {
        _ = await wait(as: newID()) { false }
        defer { leave() }
        return await body()
    }

    /// Pages that wait, for tests.
    package var waitingPages: Int { state.withLock { $0.waiting.count } }

    /// - Returns: `false`, without a place, when the task was cancelled before it had one.
    private func enter() async -> Bool {
        let id = newID()
        return await withTaskCancellationHandler {
            // Looked at under the lock: a cancellation after this finds the page among those that wait.
            await wait(as: id) { Task.isCancelled }
        } onCancel: {
            state.withLock { $0.take(id) }?.resume(returning: false)
        }
    }

    private func newID() -> UInt64 {
        state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
    }

    private func wait(as id: UInt64, isGone: () -> Bool) async -> Bool {
        await withCheckedContinuation { continuation in
            let mayPass: Bool? = state.withLock { state in
                if isGone() { return false }
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiting[id] = continuation
                state.order.append(id)
                return nil
            }
            if let mayPass { continuation.resume(returning: mayPass) }
        }
    }

    private func leave() {
        let next = state.withLock { state in
            let next = state.takeFirst()
            if next == nil { state.free += 1 }
            return next
        }
        next?.resume(returning: true)
    }
}
