// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import NIOCore

/// What the connections of one event loop have done.
///
/// Everything is touched on that loop only. Hence `@unchecked Sendable`.
final class SenderTally: @unchecked Sendable {
    let loop: any EventLoop
    let recorder = LatencyRecorder()
    /// Succeeds when all connections of the loop may send.
    let ready: EventLoopPromise<Void>
    private(set) var answered = 0
    private(set) var failure: BenchmarkFailure?
    private var senders: [Sender] = []
    private var missing: Int
    private var drained: EventLoopPromise<Void>?

    init(loop: any EventLoop, connections: Int) {
        self.loop = loop
        missing = connections
        ready = loop.makePromise()
        if connections == 0 { ready.succeed(()) }
    }

    /// A connection may send.
    func add(_ sender: Sender) {
        senders.append(sender)
        missing -= 1
        if missing == 0 { ready.succeed(()) }
    }

    /// Every connection sends, and each answer brings the next request from now on.
    func start() {
        for sender in senders { sender.start() }
    }

    /// No connection sends any more.
    ///
    /// - Returns: Succeeds when every answer has come.
    func stop() -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        drained = promise
        for sender in senders { sender.stop() }
        finishIfDrained()
        return promise.futureResult
    }

    fileprivate func noteAnswer(after time: TimeAmount) {
        answered += 1
        recorder.record(time)
    }

    fileprivate func finishIfDrained() {
        guard let promise = drained, senders.allSatisfy({ !$0.isBusy }) || failure != nil else { return }
        drained = nil
        promise.succeed(())
    }

    fileprivate func fail(_ reason: String) {
        if failure == nil { failure = BenchmarkFailure(reason) }
        ready.fail(BenchmarkFailure(reason))
        finishIfDrained()
    }
}

/// One connection that always has the same number of requests outstanding.
final class Sender: CrowdMember {
    private let frames: RequestFrames
    private let outstanding: Int
    /// What the server must be told first; it answers.
    private let greeting: [UInt8]?
    private let tally: SenderTally
    private var connection: CrowdConnection?
    private var isReady = false
    private var isSending = false
    private var sent = 0
    /// How many requests were answered.
    private(set) var answered = 0
    /// When the requests outstanding were sent; that of number n at n modulo how many there are.
    private var sendTimes: [NIODeadline]
    private var isClosing = false

    init(frames: RequestFrames, outstanding: Int, greeting: [UInt8]?, tally: SenderTally) {
        self.frames = frames
        self.outstanding = outstanding
        self.greeting = greeting
        self.tally = tally
        sendTimes = Array(repeating: .now(), count: outstanding)
    }

    fileprivate var isBusy: Bool { answered < sent }

    func opened(_ connection: CrowdConnection) {
        self.connection = connection
        if let greeting { connection.send(text: greeting) } else { becomeReady() }
    }

    fileprivate func start() {
        isSending = true
        while sent - answered < outstanding { send() }
    }

    fileprivate func stop() {
        isSending = false
    }

    func received(_ message: UnsafeRawBufferPointer) {
        guard isReady else {
            guard message.firstOffset(of: Array(RequestFrames.success.utf8)) != nil else {
                return tally.fail("The server answered: \(String(decoding: message.prefix(400), as: UTF8.self))")
            }
            return becomeReady()
        }
        guard isBusy, frames.isAnswer(message, to: answered) else {
            // Nothing is pushed: in each room only one connection writes, and none is told of what it did itself.
            return tally.fail("The server sent: \(String(decoding: message.prefix(400), as: UTF8.self))")
        }
        tally.noteAnswer(after: .now() - sendTimes[answered % outstanding])
        answered += 1
        if isSending { send() } else { tally.finishIfDrained() }
    }

    func ended() {
        if !isClosing { tally.fail("The server ended a connection.") }
    }

    /// The connection is about to be ended by the benchmark.
    fileprivate func willClose() {
        isClosing = true
    }

    private func becomeReady() {
        isReady = true
        tally.add(self)
    }

    private func send() {
        sendTimes[sent % outstanding] = .now()
        connection?.send(text: frames.frame(sent))
        sent += 1
    }
}

extension SenderTally {
    /// Ends of connections are no failures any more.
    ///
    /// - Returns: How many requests of each connection were answered, by the first numbers of their messages.
    func finish() -> [Int64: Int] {
        var answered: [Int64: Int] = [:]
        for sender in senders {
            sender.willClose()
            answered[sender.firstID] = sender.answered
        }
        return answered
    }
}

extension Sender {
    fileprivate var firstID: Int64 { frames.firstID ?? 0 }
}
