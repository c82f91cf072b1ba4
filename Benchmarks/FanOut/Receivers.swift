// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import NIOCore

/// What the receivers of one event loop have got.
///
/// Everything is touched on that loop only. Hence `@unchecked Sendable`.
final class ReceiverTally: @unchecked Sendable {
    /// How many messages of one sender may be under way.
    static let places = 64

    let loop: any EventLoop
    private let receivers: Int
    /// Succeeds when all receivers are told of what happens.
    let ready: EventLoopPromise<Void>
    /// Who is told when a message has come to all of them.
    var senders: [FanOutSender] = []
    private(set) var delivered = 0
    private(set) var failure: BenchmarkFailure?
    private var missing: Int
    private var counts: [Int]

    init(loop: any EventLoop, receivers: Int) {
        self.loop = loop
        self.receivers = receivers
        missing = receivers
        ready = loop.makePromise()
        counts = Array(repeating: 0, count: MarkedFrame.maximumSenders * Self.places)
        if receivers == 0 { ready.succeed(()) }
    }

    func receiverIsReady() {
        missing -= 1
        if missing == 0 { ready.succeed(()) }
    }

    func received(sender: Int, number: Int) {
        delivered += 1
        let place = sender * Self.places + number % Self.places
        counts[place] += 1
        guard counts[place] == receivers else { return }
        counts[place] = 0
        senders[sender].allReceived(number, at: .now())
    }

    func fail(_ reason: String) {
        if failure == nil { failure = BenchmarkFailure(reason) }
        ready.fail(BenchmarkFailure(reason))
    }
}

/// A member of the group that looks whether it gets every message once and in order.
final class Receiver: CrowdMember {
    private let tally: ReceiverTally
    /// What the server must be told first; it answers.
    private let greeting: [UInt8]?
    private var isReady = false
    private var next: [Int]

    init(tally: ReceiverTally, greeting: [UInt8]?, senders: Int) {
        self.tally = tally
        self.greeting = greeting
        next = Array(repeating: 0, count: senders)
    }

    func opened(_ connection: CrowdConnection) {
        if let greeting { connection.send(text: greeting) } else { becomeReady() }
    }

    func received(_ message: UnsafeRawBufferPointer) {
        guard isReady else {
            guard message.firstOffset(of: FanOutSender.proof) != nil else {
                return tally.fail("A receiver was answered: \(String(decoding: message.prefix(400), as: UTF8.self))")
            }
            return becomeReady()
        }
        MarkedFrame.forEachMessage(in: message) { sender, number in
            guard next.indices.contains(sender), next[sender] == number else {
                return tally.fail("A receiver got message \(number) of sender \(sender) out of order.")
            }
            next[sender] += 1
            tally.received(sender: sender, number: number)
        }
    }

    func ended() {
        tally.fail("The connection of a receiver ended.")
    }

    private func becomeReady() {
        isReady = true
        tally.receiverIsReady()
    }
}
