// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import NIOCore
import Storage
import Transport

/// What the live connections of this protocol get, encoded once.
enum MTPDelivery: Sendable {
    /// A push frame with the messages of a run.
    case messages(PreparedFrame, LiveRun)
    /// There is something to read in the log.
    case hint
}

/// Hands committed messages to the connections that have push on.
final class MTPSink: EventSink {
    let showsAccounts = true
    private let fanOut: FanOut<MTPSession>
    private let now: @Sendable () -> Timestamp

    init(registry: ConnectionRegistry, now: @escaping @Sendable () -> Timestamp) {
        fanOut = FanOut(registry: registry)
        self.now = now
    }

    func deliver(_ run: LiveRun, to connections: [UInt64]) {
        let time = now().seconds
        let messages = run.messages.map { MessageObject($0, in: run.flow) }
        let push = MTPResponse(
            type: MTPMethod.getUpdate.rawValue, .ok, time: time,
            data: MTPData(time: time, flow: [], message: messages, user: []),
            meta: MTPMeta(push: true, since: MTPCursor(position: run.last.rawValue).text))
        fanOut.deliver(
            .messages(PreparedFrame(text: push.frame()), run),
            to: connections.lazy.map(ConnectionID.init(rawValue:)))
    }

    func hint(_ connections: [UInt64]) {
        fanOut.deliver(.hint, to: connections.lazy.map(ConnectionID.init(rawValue:)))
    }
}
