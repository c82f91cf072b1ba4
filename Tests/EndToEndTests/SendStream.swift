// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import MTP
import NIOCore
import Synchronization
import TestClient

/// One sender that always has several messages under way, and notes which of them were acknowledged.
///
/// It outlives its connections: the numbers of its messages go on after a restart of the server.
final class SendStream: Sendable {
    /// A message that the server acknowledged.
    struct Acknowledgement: Sendable, Equatable {
        var number: Int
        var uuid: String
    }

    private struct State {
        var socket: WebSocketClient?
        var nextNumber = 0
        var underWay: [Int] = []
        var acknowledged: [Acknowledgement] = []
        var unacknowledged: Set<Int> = []
        var problems: [String] = []
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

    /// What the server has acknowledged so far, in this order.
    var acknowledged: [Acknowledgement] { state.withLock { $0.acknowledged } }
    /// What was under way when a connection broke.
    var unacknowledged: Set<Int> { state.withLock { $0.unacknowledged } }
    /// Answers that are no acknowledgement of the oldest message under way.
    var problems: [String] { state.withLock { $0.problems } }

    /// Sends until the connection breaks; each acknowledgement is told on the event loop, before the next send.
    func send(to url: String, onAcknowledgement: @escaping @Sendable () -> Void) async throws {
        let socket = try await WebSocketClient.connect(
            url: url, onMessage: { [self] in received($0, onAcknowledgement) })
        state.withLock { state in
            state.socket = socket
            for _ in 0..<depth { sendNext(&state) }
        }
        await socket.closed()
        state.withLock { state in
            state.socket = nil
            state.unacknowledged.formUnion(state.underWay)
            state.underWay = []
        }
    }

    /// The text of the message with a number; `number(in:)` reads it.
    private func text(_ number: Int) -> String { "\(name) \(number)" }

    /// The number of one of this sender's messages; `nil` for a text of another.
    func number(in text: String) -> Int? {
        guard text.hasPrefix(name + " ") else { return nil }
        return Int(text.dropFirst(name.utf8.count + 1))
    }

    private func sendNext(_ state: inout State) {
        let number = state.nextNumber
        state.nextNumber += 1
        state.underWay.append(number)
        let message = MessageObject(clientID: Int64(number), text: JSONText(text(number)))
        state.socket?.enqueue(text: MTPRequest.sendMessage(as: credentials, flow: flow, message).encoded())
    }

    private func received(_ frame: ByteBuffer, _ onAcknowledgement: @Sendable () -> Void) {
        let answer = try? MTPResponse(decoding: frame)
        let isGood = state.withLock { state -> Bool in
            let message = answer?.data?.message?.first
            guard answer?.code == 200, let uuid = message?.uuid?.description, let expected = state.underWay.first,
                message?.clientID == Int64(expected)
            else {
                state.problems.append(String(buffer: frame))
                return false
            }
            state.underWay.removeFirst()
            state.acknowledged.append(Acknowledgement(number: expected, uuid: uuid))
            return true
        }
        guard isGood else { return }
        onAcknowledgement()
        state.withLock { sendNext(&$0) }
    }
}
