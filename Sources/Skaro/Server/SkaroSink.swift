// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import NIOCore
import Storage
import Transport

/// What the live connections of this protocol get, encoded once.
enum SkaroDelivery: Sendable {
    /// A `show_message` frame for each message of a run.
    case messages([PreparedFrame], LiveRun)
    /// Nothing that is shown has happened there.
    case passed(ClosedRange<Position>)
    /// There is something to read in the log.
    case hint
}

/// Hands committed messages to the connections that are logged in.
final class SkaroSink: EventSink {
    let protocolName = SkaroService.name
    /// Accounts are shown by who has them among their contacts.
    let showsAccounts = false
    private let fanOut: FanOut<SkaroSession>
    private let person: @Sendable (UserID) -> Person?

    init(registry: ConnectionRegistry, person: @escaping @Sendable (UserID) -> Person?) {
        fanOut = FanOut(registry: registry)
        self.person = person
    }

    func deliver(_ run: LiveRun, to connections: [UInt64]) {
        guard let frames = frames(run) else { return hint(connections) }
        fanOut.deliver(.messages(frames, run), to: connections.lazy.map(ConnectionID.init(rawValue:)))
    }

    func deliver(_ change: LiveChange, to connections: [UInt64]) {
        fanOut.deliver(.passed(change.span), to: connections.lazy.map(ConnectionID.init(rawValue:)))
    }

    func hint(_ connections: [UInt64]) {
        fanOut.deliver(.hint, to: connections.lazy.map(ConnectionID.init(rawValue:)))
    }

    /// The same for every reader; `nil` when an account named in it would have to be read first.
    private func frames(_ run: LiveRun) -> [PreparedFrame]? {
        var frames: [PreparedFrame] = []
        frames.reserveCapacity(run.messages.count)
        for message in run.messages {
            var receiver: Person?
            if run.flow.kind == .chat, let other = run.flow.members.first(where: { $0 != message.sender.id }) {
                receiver = person(other)
                if receiver == nil { return nil }
            }
            let push = SkaroPush.showMessage(SkaroMessage(message, in: run.flow, to: receiver))
            frames.append(PreparedFrame(binary: ByteBuffer(bytes: push.encoded())))
        }
        return frames
    }
}
