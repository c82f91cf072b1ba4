// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What one person was told.
final class CheckInbox: Sendable {
    private struct State {
        var texts: Set<String> = []
        var waiting: (text: String, continuation: CheckedContinuation<Bool, Never>)?
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Collects until the connection ends.
    func collect(from client: any ConversationClient) async {
        while let events = await client.nextEvents() {
            for case .said(let message) in events { arrived(message.text) }
        }
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.continuation.resume(returning: false)
    }

    private func arrived(_ text: String) {
        let continuation = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            state.texts.insert(text)
            guard state.waiting?.text == text else { return nil }
            defer { state.waiting = nil }
            return state.waiting?.continuation
        }
        continuation?.resume(returning: true)
    }

    /// Waits until a text has come; one waits at a time.
    ///
    /// - Throws: `CancellationError`; `ClientError.closed` when the connection has ended.
    func wait(for text: String) async throws {
        let hasCome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> Bool? in
                    if state.texts.contains(text) { return true }
                    if state.isClosed || Task.isCancelled { return false }
                    state.waiting = (text, continuation)
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                defer { state.waiting = nil }
                return state.waiting
            }
            waiting?.continuation.resume(returning: false)
        }
        if hasCome { return }
        try Task.checkCancellation()
        throw ClientError.closed(.abnormal)
    }
}
