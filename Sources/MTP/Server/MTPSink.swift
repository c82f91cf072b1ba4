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
    /// A push frame with what changed, for those who see it; without one there is nothing to show.
    case change(PreparedFrame?, LiveChange)
    /// There is something to read in the log.
    case hint
}

/// Hands committed messages to the connections that have push on.
final class MTPSink: EventSink {
    let protocolName = MTPService.name
    let showsAccounts = true
    private let fanOut: FanOut<MTPSession>
    private let now: @Sendable () -> Timestamp

    init(registry: ConnectionRegistry, now: @escaping @Sendable () -> Timestamp) {
        fanOut = FanOut(registry: registry)
        self.now = now
    }

    func deliver(_ run: LiveRun, to connections: [UInt64]) {
        let time = now().seconds
        let push = MTPResponse(pushing: MTPData(run.messages, of: run, time: time), upTo: run.last, time: time)
        fanOut.deliver(
            .messages(PreparedFrame(text: push.frame()), run),
            to: connections.lazy.map(ConnectionID.init(rawValue:)))
    }

    func deliver(_ change: LiveChange, to connections: [UInt64]) {
        let time = now().seconds
        let push = MTPData(change, for: nil, time: time).map {
            MTPResponse(pushing: $0, upTo: change.span.upperBound, time: time)
        }
        fanOut.deliver(
            .change(push.map { PreparedFrame(text: $0.frame()) }, change),
            to: connections.lazy.map(ConnectionID.init(rawValue:)))
    }

    func hint(_ connections: [UInt64]) {
        fanOut.deliver(.hint, to: connections.lazy.map(ConnectionID.init(rawValue:)))
    }
}

extension MTPResponse {
    /// A push of something, after which the client has everything up to `cursor`.
    init(pushing data: MTPData, upTo cursor: Position, time: Int64) {
        self.init(
            type: MTPMethod.getUpdate.rawValue, .ok, time: time, data: data,
            meta: MTPMeta(push: true, since: MTPCursor(position: cursor.rawValue).text))
    }
}

extension MTPData {
    /// Some messages of a run.
    init(_ messages: [LiveMessage], of run: LiveRun, time: Int64) {
        self.init(time: time, flow: [], message: messages.map { MessageObject($0, in: run.flow) }, user: [])
    }

    /// What changed, as `principal` may know it, or as all accounts may; `nil` when there is nothing to show.
    init?(_ change: LiveChange, for principal: Principal?, time: Int64) {
        guard !change.positions.isEmpty else { return nil }
        self.init(time: time, flow: [], message: [], user: [])
        switch change.content {
        case .messages(let messages): message = messages.map(MessageObject.init)
        case .flow(let changed): flow = [FlowObject(changed)]
        case .accounts(let accounts): user = accounts.map { UserObject($0, for: principal) }
        case .nothing: return nil
        }
    }
}
