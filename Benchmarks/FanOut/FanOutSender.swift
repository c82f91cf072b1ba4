// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import NIOCore

/// Keeps a number of messages outstanding: each until it is acknowledged and has come to every receiver.
///
/// Everything is touched on its event loop only. Hence `@unchecked Sendable`.
final class FanOutSender: CrowdMember, @unchecked Sendable {
    /// What an acknowledgement has in it.
    static let proof = Array(#""errors":{"code":200,"#.utf8)

    private struct Place {
        var sent = NIODeadline.now()
        /// Loops of receivers and the acknowledgement.
        var missing = 0
        var lastDelivery = NIODeadline.now()
    }

    let loop: any EventLoop
    private let template: MarkedFrame
    /// What the server must be told first; it answers.
    private var greeting: [UInt8]?
    /// How many loops have receivers.
    private let parts: Int
    private let recorder: LatencyRecorder
    private var connection: CrowdConnection?
    private var places = Array(repeating: Place(), count: ReceiverTally.places)
    private var depth = 0
    private var sent = 0
    private var acknowledged = 0
    private(set) var completed = 0
    private(set) var failure: BenchmarkFailure?
    private var drained: EventLoopPromise<Void>?

    init(
        loop: any EventLoop, template: MarkedFrame, greeting: [UInt8]?, parts: Int, recorder: LatencyRecorder
    ) {
        self.loop = loop
        self.template = template
        self.greeting = greeting
        self.parts = parts
        self.recorder = recorder
    }

    func opened(_ connection: CrowdConnection) {
        self.connection = connection
        if let greeting { connection.send(text: greeting) }
    }

    /// Begins to send; on the loop.
    func start(depth: Int) {
        self.depth = depth
        sendMore()
    }

    /// Sends no more; on the loop.
    ///
    /// - Returns: Succeeds when nothing is outstanding.
    func stop() -> EventLoopFuture<Void> {
        depth = 0
        let promise = loop.makePromise(of: Void.self)
        drained = promise
        finishIfDrained()
        return promise.futureResult
    }

    func received(_ message: UnsafeRawBufferPointer) {
        guard message.firstOffset(of: Self.proof) != nil else {
            return fail("A sender was answered: \(String(decoding: message.prefix(400), as: UTF8.self))")
        }
        guard greeting == nil else {
            greeting = nil
            return
        }
        acknowledged += 1
        progress(of: acknowledged - 1)
    }

    func ended() {
        fail("The connection of a sender ended.")
    }

    /// All receivers of one loop have a message; on their loop.
    func allReceived(_ number: Int, at time: NIODeadline) {
        loop.execute {
            let place = number % ReceiverTally.places
            self.places[place].lastDelivery = max(self.places[place].lastDelivery, time)
            self.progress(of: number)
        }
    }

    private func progress(of number: Int) {
        let place = number % ReceiverTally.places
        places[place].missing -= 1
        guard places[place].missing == 0 else { return }
        recorder.record(places[place].lastDelivery - places[place].sent)
        completed += 1
        sendMore()
        finishIfDrained()
    }

    private func sendMore() {
        while failure == nil, sent - completed < depth, places[sent % ReceiverTally.places].missing == 0 {
            let now = NIODeadline.now()
            places[sent % ReceiverTally.places] = Place(sent: now, missing: parts + 1, lastDelivery: now)
            connection?.send(text: template.frame(sent))
            sent += 1
        }
    }

    private func finishIfDrained() {
        guard depth == 0, sent == completed || failure != nil else { return }
        drained?.succeed(())
        drained = nil
    }

    private func fail(_ reason: String) {
        if failure == nil { failure = BenchmarkFailure(reason) }
        finishIfDrained()
    }
}
