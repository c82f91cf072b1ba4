// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// What a process or a connection has sent so far, and who waits for a line of it.
final class TextLog: Sendable {
    private struct Waiter {
        var id: Int
        var isMatch: @Sendable (String) -> Bool
        var firstLine: Int
        var continuation: CheckedContinuation<String?, Never>
    }

    private struct State {
        var lines: [String] = []
        var rest: [UInt8] = []
        var hasEnded = false
        var waiters: [Waiter] = []
        var nextID = 0

        /// The waiters whose line is there, or can no longer come.
        mutating func takeReady() -> [(CheckedContinuation<String?, Never>, String?)] {
            var ready: [(CheckedContinuation<String?, Never>, String?)] = []
            waiters.removeAll { waiter in
                let line = lines.dropFirst(waiter.firstLine).first(where: waiter.isMatch)
                guard line != nil || hasEnded else { return false }
                ready.append((waiter.continuation, line))
                return true
            }
            return ready
        }
    }

    private let state = Mutex(State())
    private let atEnd: @Sendable () -> Void

    init(atEnd: @escaping @Sendable () -> Void = {}) {
        self.atEnd = atEnd
    }

    /// Everything so far.
    var text: String {
        state.withLock { state in
            (state.lines.map { $0 + "\n" }.joined()) + String(decoding: state.rest, as: UTF8.self)
        }
    }

    /// Waits until nothing more can come.
    func ended() async { _ = await line { _ in false } }

    /// How many whole lines there are.
    var lineCount: Int { state.withLock { $0.lines.count } }

    /// The first line that matches, from the line with a number on; `nil` when the end came without it.
    func line(from firstLine: Int = 0, where isMatch: @escaping @Sendable (String) -> Bool) async -> String? {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state in
                    state.waiters.append(
                        Waiter(id: id, isMatch: isMatch, firstLine: firstLine, continuation: continuation))
                    return state.takeReady()
                }
                for (continuation, line) in ready { continuation.resume(returning: line) }
                if Task.isCancelled { cancel(id) }
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func cancel(_ id: Int) {
        let waiter = state.withLock { state -> Waiter? in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiters.remove(at: index)
        }
        waiter?.continuation.resume(returning: nil)
    }

    fileprivate func append(_ bytes: ByteBufferView) {
        let ready = state.withLock { state in
            state.rest += bytes
            while let end = state.rest.firstIndex(of: 10) {
                state.lines.append(String(decoding: state.rest[..<end], as: UTF8.self))
                state.rest.removeFirst(end + 1)
            }
            return state.takeReady()
        }
        for (continuation, line) in ready { continuation.resume(returning: line) }
    }

    fileprivate func end() {
        let ready = state.withLock { state in
            state.hasEnded = true
            return state.takeReady()
        }
        for (continuation, line) in ready { continuation.resume(returning: line) }
        atEnd()
    }
}

/// Reads a pipe or a connection into a `TextLog`.
final class TextLogReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let output: TextLog

    init(_ output: TextLog) {
        self.output = output
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        output.append(unwrapInboundIn(data).readableBytesView)
    }

    func channelInactive(context: ChannelHandlerContext) {
        output.end()
    }
}

@available(*, unavailable)
extension TextLogReader: Sendable {}
