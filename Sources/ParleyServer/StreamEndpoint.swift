// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import NIOCore
import NIOSSL
import Settings
import Synchronization
import Transport

/// A protocol with a TCP port of its own: where and how it is served.
struct StreamEndpoint: Sendable {
    /// The section of the settings that says where.
    let section: String
    /// For people, at the start and on the home page.
    let title: String
    /// Where to listen.
    let address: NetworkAddress
    /// Whether the port speaks TLS.
    let usesTLS: Bool
    let options: StreamOptions
    let makeSession: @Sendable (StreamPeer) -> any StreamSession
    /// Its name in the list of servers; `nil` for what clients are not sent to.
    var endpoint: String?
    /// Where clients are sent to, if anywhere; `nil` for where it listens.
    var reached: (@Sendable (_ boundPort: Int) -> NetworkAddress?)?
    /// The port that the system chose, as soon as it did.
    let port: BoundPort
    /// Whether its connections count as clients.
    var hasClients = true

    /// What people see of it.
    func shown(boundPort: Int) -> ParleyServer.Address {
        (title, "\(scheme)://\(address.hostInURL):\(boundPort)")
    }

    /// What other servers tell clients of it.
    func endpoints(boundPort: Int) -> [String: String] {
        guard let endpoint else { return [:] }
        guard let reached else { return [endpoint: shown(boundPort: boundPort).address] }
        guard let place = reached(boundPort) else { return [:] }
        // The very words that the balancer signs: not what a URL would make of them.
        let host = place.host.contains(":") ? "[\(place.host)]" : place.host
        return [endpoint: "\(scheme)://\(host):\(place.port)"]
    }

    private var scheme: String { usesTLS ? "tls" : "tcp" }
}

/// The port of a listener: that of the settings, then the one that the system chose.
final class BoundPort: Sendable {
    private let number: Atomic<Int>

    init(_ port: Int) {
        number = Atomic(port)
    }

    var value: Int {
        get { number.load(ordering: .relaxed) }
        set { number.store(newValue, ordering: .relaxed) }
    }
}
