// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Settings {
    /// Whether a protocol is served that seals secrets with the key file of `[SECRETS]`.
    package var needsKeyFile: Bool { skaro.isEnabled || fastChat.isEnabled }

    /// `[SKARO]`: CBOR over WebSocket at `/skaro`, on the address of `[SERVER]`.
    package struct Skaro: Sendable {
        /// Whether the endpoint is there.
        package var isEnabled: Bool
        /// How long after its connection broke a session can be restored.
        package var restoreTime: Duration
    }

    /// `[MESSENGER]`: the binary protocol on its own TCP port.
    package struct Messenger: Sendable {
        /// Whether the listener is there.
        package var isEnabled: Bool
        /// Where it listens; the host is that of `[SERVER]` unless the section has its own.
        package var address: NetworkAddress
        /// The pause that ends a request.
        package var gatherTime: Duration
        /// The least time between two units to one client.
        package var spacing: Duration
        /// Whether a key is good on connections other than the one that logged in.
        package var allowsKeyOnAnyConnection: Bool
        /// The largest request, in bytes.
        package var maximumBytes: Int
        /// Whether the listener speaks TLS, with the certificate of `[TLS]`, which is then set.
        package var usesTLS: Bool
        /// Whether connections of trusted proxies begin with a header of the PROXY protocol.
        package var readsProxyHeader: Bool
    }

    /// `[FASTCHAT]`: JSON on its own TCP port.
    package struct FastChat: Sendable {
        /// Whether the listener is there.
        package var isEnabled: Bool
        /// Where it listens; the host is that of `[SERVER]` unless the section has its own.
        package var address: NetworkAddress
        /// The address that the balancer names, as written; see `advertisedAddress(boundPort:)`.
        package var advertise: NetworkAddress?
        /// Whether the server holds keys for people who have none.
        package var isBridged: Bool
        /// The least time between two units to one client.
        package var spacing: Duration
        /// Whether the listener speaks TLS, with the certificate of `[TLS]`, which is then set.
        package var usesTLS: Bool
        /// Whether connections of trusted proxies begin with a header of the PROXY protocol.
        package var readsProxyHeader: Bool

        /// The address at which clients reach this listener: `ADVERTISE`, otherwise the one it listens on.
        ///
        /// - Parameter boundPort: The port that the system chose when the settings ask for any free one.
        /// - Returns: The address; `nil` when the listener serves every address of the machine and `ADVERTISE` is
        ///   unset.
        package func advertisedAddress(boundPort: Int) -> NetworkAddress? {
            if let advertise { return advertise }
            return NetworkAddress.isWildcard(address.host) ? nil : NetworkAddress(host: address.host, port: boundPort)
        }
    }

    /// `[BALANCER]`: names FastChat clients the server to connect to.
    package struct Balancer: Sendable {
        /// `[BALANCER] ALGORITHM`.
        package enum Algorithm: String, Sendable, CaseIterable {
            /// One server after the other.
            case roundRobin = "round robin"
            /// The server with the fewest connected clients.
            case minimumConnect = "minimum connect"
            /// Any server.
            case random
        }

        /// Where it listens; `nil` when it is not opened by the server.
        package var listen: NetworkAddress?
        /// How a server is chosen.
        package var algorithm: Algorithm
        /// Whether connections of trusted proxies begin with a header of the PROXY protocol.
        package var readsProxyHeader: Bool
    }

    /// `[PRESENCE]`: whether contacts learn that a person came online or went offline.
    package struct Presence: Sendable {
        /// Whether contacts are told.
        package var isEnabled: Bool
        /// Changes of one user within this time are told as one.
        package var mergeTime: Duration
        /// How many changes of one user are told in a minute at most.
        package var perMinute: Int
    }

    /// `[SECRETS]`: what must not lie in the database.
    package struct Secrets: Sendable {
        /// The path of the file with the key that seals secrets in the database.
        package var keyFile: String
    }

    /// `[CLUSTER]`: servers that share a database.
    package struct Cluster: Sendable {
        /// The name of this server among them; the machine's host name unless the section says another.
        package var node: String
    }
}
