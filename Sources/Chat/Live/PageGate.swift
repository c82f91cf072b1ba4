// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import DequeModule
import Synchronization

/// Lets a few pages of the log be read and encoded at the same time, the others wait for their turn.
///
/// Between the read and the encoded answer a page takes several times its size. What a protocol does inside must not wait for a peer.
package final class PageGate: Sendable {
    private struct State {
        var free: Int
        var waiting = Deque<CheckedContinuation<Void, Never>>()
    }

    private let state: Mutex<State>

    /// Lets `places` pages in.
    package init(places: Int = 8) {
        state = Mutex(State(free: places))
    }

    /// Runs `body` when there is a place.
    package func page<Value, Failure>(_ body: () async throws(Failure) -> Value) async throws(Failure) -> Value {
        await enter()
        defer { leave() }
        return try await body()
    }

    /// Pages that wait, for tests.
    package var waitingPages: Int { state.withLock { $0.waiting.count } }

    private func enter() async {
        await withCheckedContinuation { continuation in
            let mayPass = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if mayPass { continuation.resume() }
        }
    }

    private func leave() {
        let next = state.withLock { state in
            let next = state.waiting.popFirst()
            if next == nil { state.free += 1 }
            return next
        }
        next?.resume()
    }
}
