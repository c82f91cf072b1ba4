// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import Glibc
import JSON
import MTP
import NIOCore
import Synchronization
import TestClient

/// The frames that one connection sends: one request, in which only the number of the message changes.
struct FrameTemplate: Sendable {
    /// Every number has fifteen digits, so that all frames are of one length and a double holds it.
    private static let factor: Int64 = 1_000_000_000_000
    private static let firstConnection: Int64 = 100
    /// The most connections whose numbers have fifteen digits.
    static let maximumConnections = 900
    private static let digits = 15
    private static let member = Array(#""client_id":"#.utf8)

    private let bytes: [UInt8]
    private let digitsStart: Int
    /// The number of the connection's first message.
    let firstID: Int64

    /// The frames of the connection at an index.
    ///
    /// - Parameters:
    ///   - index: Which connection, from 0.
    ///   - principal: Who sends.
    ///   - flow: Where to.
    ///   - text: What every message says.
    /// - Throws: `BenchmarkFailure` when the request has no number in it.
    init(index: Int, principal: MTPCredentials, flow: String, text: String) throws(BenchmarkFailure) {
        firstID = (Self.firstConnection + Int64(index)) * Self.factor
        let message = MessageObject(clientID: firstID, text: JSONText(text))
        bytes = MTPRequest.sendMessage(as: principal, flow: flow, message).encoded()
        guard let start = bytes.withUnsafeBytes({ Self.numberStart(in: $0) }) else {
            throw BenchmarkFailure("The request has no client_id.")
        }
        digitsStart = start
    }

    /// How long every frame is.
    var byteCount: Int { bytes.count }

    /// Which connection sent a number, and as which of its messages.
    static func origin(of clientID: Int64) -> (connection: Int, message: Int64) {
        (Int(clientID / factor - firstConnection), clientID % factor)
    }

    /// The frame of the connection's message at an index.
    func frame(_ message: Int64) -> [UInt8] {
        var frame = bytes
        var rest = firstID + message
        for place in stride(from: digitsStart + Self.digits - 1, through: digitsStart, by: -1) {
            frame[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        return frame
    }

    /// The number in an answer; `nil` when there is none.
    static func clientID(in answer: UnsafeRawBufferPointer) -> Int64? {
        guard let start = numberStart(in: answer), answer.count >= start + digits else { return nil }
        var number: Int64 = 0
        for byte in answer[start..<start + digits] {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            number = number * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        return number
    }

    private static func numberStart(in bytes: UnsafeRawBufferPointer) -> Int? {
        bytes.firstOffset(of: member).map { $0 + member.count }
    }
}

/// One connection that always has the same number of requests in flight.
///
/// Its state changes on the event loop of the connection and is read by the benchmark between.
final class Sender: Sendable {
    private struct State {
        var client: WebSocketClient?
        var isSending = false
        var sent: Int64 = 0
        var answered: Int64 = 0
        /// When the requests in flight were sent; that of message n at n modulo the number in flight.
        var sendTimes: [NIODeadline]
        var failure: BenchmarkFailure?
        var drained: CheckedContinuation<Void, Never>?
    }

    private let template: FrameTemplate
    private let depth: Int
    private let recorder: LatencyRecorder
    /// What an answer must contain to count.
    private let proof: [UInt8]
    private let state: Mutex<State>

    init(template: FrameTemplate, depth: Int, proof: String, recorder: LatencyRecorder) {
        self.template = template
        self.depth = depth
        self.proof = Array(proof.utf8)
        self.recorder = recorder
        state = Mutex(State(sendTimes: Array(repeating: .now(), count: depth)))
    }

    /// How many messages were acknowledged.
    var answered: Int64 { state.withLock { $0.answered } }

    /// What ended the sending; `nil` while all is well.
    var failure: BenchmarkFailure? { state.withLock { $0.failure } }

    /// Connects on a loop.
    func connect(to url: String, on loop: any EventLoop) async throws {
        var options = ClientOptions()
        options.group = loop
        let client = try await WebSocketClient.connect(
            url: url, options: options, onMessage: { self.received($0) },
            onEnd: { closure, _ in self.fail("A connection ended (\(closure)).") })
        state.withLock { $0.client = client }
    }

    /// Fills the flight; every answer brings the next request from now on.
    func start() {
        state.withLock { state in
            state.isSending = true
            while state.sent - state.answered < Int64(depth) { send(&state) }
        }
    }

    /// Sends no more and waits for the answers that are missing.
    func drain() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                state.isSending = false
                if state.failure != nil || state.answered == state.sent { return true }
                state.drained = continuation
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    /// Ends the connection.
    func close() async {
        let client = state.withLock { state in
            state.failure = state.failure ?? BenchmarkFailure("The benchmark closed the connection.")
            return state.client
        }
        await client?.close()
    }

    private func send(_ state: inout State) {
        state.sendTimes[Int(state.sent % Int64(depth))] = .now()
        state.client?.enqueue(text: template.frame(state.sent))
        state.sent += 1
    }

    private func received(_ answer: ByteBuffer) {
        let (clientID, isProven) = answer.withUnsafeReadableBytes { bytes in
            (FrameTemplate.clientID(in: bytes), bytes.firstOffset(of: proof) != nil)
        }
        let drained = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard clientID == template.firstID + state.answered, isProven else {
                return fail(&state, "The server answered: \(String(buffer: answer).prefix(400))")
            }
            recorder.record(.now() - state.sendTimes[Int(state.answered % Int64(depth))])
            state.answered += 1
            if state.isSending {
                send(&state)
            } else if state.answered == state.sent {
                defer { state.drained = nil }
                return state.drained
            }
            return nil
        }
        drained?.resume()
    }

    private func fail(_ reason: String) {
        state.withLock { state in fail(&state, reason) }?.resume()
    }

    private func fail(_ state: inout State, _ reason: String) -> CheckedContinuation<Void, Never>? {
        if state.failure == nil { state.failure = BenchmarkFailure(reason) }
        state.isSending = false
        defer { state.drained = nil }
        return state.drained
    }
}
