// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage
import Transport

/// What the live connections of this protocol get.
enum FastChatDelivery: Sendable {
    /// Readable messages, to be encrypted for each reader.
    case run(LiveRun)
    /// Nothing that is shown has happened there, but perhaps to the accounts' places in a group.
    case change(LiveChange)
    /// There is something to read in the log.
    case hint
}

/// Hands committed messages to the connections.
final class FastChatSink: EventSink {
    let protocolName = FastChatService.name
    let showsAccounts = false
    private let fanOut: FanOut<FastChatSession>

    init(registry: ConnectionRegistry) {
        fanOut = FanOut(registry: registry)
    }

    func deliver(_ run: LiveRun, to connections: [UInt64]) {
        fanOut.deliver(
            Self.hasBodies(run) ? .hint : .run(run), to: connections.lazy.map(ConnectionID.init(rawValue:)))
    }

    func deliver(_ change: LiveChange, to connections: [UInt64]) {
        fanOut.deliver(.change(change), to: connections.lazy.map(ConnectionID.init(rawValue:)))
    }

    func hint(_ connections: [UInt64]) {
        fanOut.deliver(.hint, to: connections.lazy.map(ConnectionID.init(rawValue:)))
    }

    /// Whether readers may have ciphertexts of their own, which are only in the log.
    private static func hasBodies(_ run: LiveRun) -> Bool {
        run.flow.isBridged && run.flow.kind != .chat || run.messages.contains { $0.content.encryption != nil }
    }
}
