// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A write on its way into the log.
package final class PendingWrite<Result: Sendable>: Sendable {
    private enum State {
        case waiting(CheckedContinuation<WriteOutcome<Result>, Never>?)
        case resolved(WriteOutcome<Result>)
    }

    private let state = Mutex(State.waiting(nil))

    /// What became of it, at once if that is known.
    ///
    /// For one waiting caller.
    package var outcome: WriteOutcome<Result> {
        get async {
            await withCheckedContinuation { continuation in
                let outcome = state.withLock { state -> WriteOutcome<Result>? in
                    if case .resolved(let outcome) = state { return outcome }
                    state = .waiting(continuation)
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        }
    }

    /// The outcome if it is known already.
    package var outcomeIfKnown: WriteOutcome<Result>? {
        state.withLock { state in if case .resolved(let outcome) = state { outcome } else { nil } }
    }

    func resolve(_ outcome: WriteOutcome<Result>) {
        let continuation = state.withLock { state -> CheckedContinuation<WriteOutcome<Result>, Never>? in
            defer { state = .resolved(outcome) }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        continuation?.resume(returning: outcome)
    }
}
