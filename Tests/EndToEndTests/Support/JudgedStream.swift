// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import MTP
import NIOCore
import Synchronization
import TestClient

/// One sender that always has several messages under way, and notes what the server said of each.
///
/// After an answer that is no acknowledgement it sends no further message in its place, so it ends in an outage.
final class JudgedStream: Sendable {
    /// What the server said of a message.
    enum Verdict: Sendable { case done, notDone, unknown }

    private struct State {
        var socket: WebSocketClient?
        var nextNumber = 0
        var underWay: [Int] = []
        var verdicts: [Int: Verdict] = [:]
        var problems: [String] = []
        var isEnding = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    let name: String
    private let credentials: MTPCredentials
    private let flow: String
    private let depth: Int
    private let state = Mutex(State())

    init(name: String, credentials: MTPCredentials, flow: String, depth: Int) {
        self.name = name
        self.credentials = credentials
        self.flow = flow
        self.depth = depth
    }

    /// What the server has said so far, by the numbers of the messages.
    var verdicts: [Int: Verdict] { state.withLock { $0.verdicts } }
    /// Answers that mean nothing.
    var problems: [String] { state.withLock { $0.problems } }

    /// Sends until `end` or an outage, and returns when everything sent has been answered.
    func send(to url: String, onAcknowledgement: @escaping @Sendable () -> Void) async throws {
        let socket = try await WebSocketClient.connect(
            url: url, onMessage: { [self] in received($0, onAcknowledgement) })
        state.withLock { state in
            state.socket = socket
            state.isEnding = false
            for _ in 0..<depth { sendNext(&state) }
        }
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.underWay.isEmpty { state.waiter = continuation }
                return state.underWay.isEmpty
            }
            if isOver { continuation.resume() }
        }
        await socket.close()
    }

    /// Sends nothing more.
    func end() { state.withLock { $0.isEnding = true } }

    private func text(_ number: Int) -> String { "\(name) \(number)" }

    /// The number of one of this sender's messages; `nil` for a text of another.
    func number(in text: String) -> Int? {
        text.hasPrefix(name + " ") ? Int(text.dropFirst(name.utf8.count + 1)) : nil
    }

    private func sendNext(_ state: inout State) {
        guard !state.isEnding else { return }
        let number = state.nextNumber
        state.nextNumber += 1
        state.underWay.append(number)
        let message = MessageObject(clientID: Int64(number), text: JSONText(text(number)))
        state.socket?.enqueue(text: MTPRequest.sendMessage(as: credentials, flow: flow, message).encoded())
    }

    private func received(_ frame: ByteBuffer, _ onAcknowledgement: @Sendable () -> Void) {
        let answer = try? MTPResponse(decoding: frame)
        let verdict: Verdict? =
            switch answer?.code {
            case 200: .done
            case 503: .notDone
            case 504: .unknown
            default: nil
            }
        if verdict == .done { onAcknowledgement() }
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard let verdict, !state.underWay.isEmpty else {
                state.problems.append(String(buffer: frame))
                return nil
            }
            // Answers come in the order of the requests.
            state.verdicts[state.underWay.removeFirst()] = verdict
            if verdict == .done { sendNext(&state) }
            guard state.underWay.isEmpty else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
