// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import NIOCore
import Storage
import Transport

/// A message as the units that show it.
struct MessengerMessage: Sendable {
    let sender: UserID
    let position: Position
    /// None when there is nothing to show.
    let units: [ByteBuffer]

    init(_ message: LiveMessage, in flow: FlowAccess) {
        sender = message.sender.id
        position = message.position
        let text = message.content.readableText
        guard !text.isEmpty else {
            units = []
            return
        }
        units = MessengerUnit.message(Self.prefix(of: flow) + text, from: MessengerLogin(message.sender.login))
            .map { ByteBuffer(bytes: $0.encoded()) }
    }

    /// What tells a group's messages from those of the author's own; without a title what one writes to it with.
    private static func prefix(of flow: FlowAccess) -> String {
        switch flow.kind {
        case .chat: ""
        case .group, .channel: "[\(flow.title.isEmpty ? "#\(flow.id.rawValue)" : flow.title)] "
        }
    }
}

/// What the live connections of this protocol get, encoded once.
enum MessengerDelivery: Sendable {
    case messages([MessengerMessage], LiveRun)
    /// Nothing that is shown has happened there.
    case passed(ClosedRange<Position>)
    /// There is something to read in the log.
    case hint
}

/// Hands committed messages to the connections that are logged in.
final class MessengerSink: EventSink {
    let protocolName = MessengerService.name
    let showsAccounts = false
    private let fanOut: FanOut<MessengerSession>

    init(registry: ConnectionRegistry) {
        fanOut = FanOut(registry: registry)
    }

    func deliver(_ run: LiveRun, to connections: [UInt64]) {
        let messages = run.messages.map { MessengerMessage($0, in: run.flow) }
        fanOut.deliver(.messages(messages, run), to: connections.lazy.map(ConnectionID.init(rawValue:)))
    }

    func deliver(_ change: LiveChange, to connections: [UInt64]) {
        fanOut.deliver(.passed(change.span), to: connections.lazy.map(ConnectionID.init(rawValue:)))
    }

    func hint(_ connections: [UInt64]) {
        fanOut.deliver(.hint, to: connections.lazy.map(ConnectionID.init(rawValue:)))
    }
}
