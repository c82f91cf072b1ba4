// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// What is asked of the peers of all connections, whatever they speak.
package struct PeerLimits: Sendable {
    /// How long a connection may be open without a login (`[SERVER_LIMIT] LOGIN_TIMEOUT`).
    ///
    /// `nil`: without end. Default: `nil`.
    package var logInTimeout: TimeAmount?
    /// How long a peer may read nothing of what waits for it (`[SERVER_LIMIT] WRITE_TIMEOUT`).
    ///
    /// `nil`: without end. Default: `nil`.
    package var writeTimeout: TimeAmount?
    /// The most bytes that may wait for all peers together; above it those that do not read are cut at once.
    ///
    /// Default: 512 MiB.
    package var outboundBytes = 512 << 20
    /// The most open connections (`[SERVER_LIMIT] CONNECTIONS`); one more is closed at once.
    ///
    /// `nil`: no limit. Default: `nil`.
    package var connections: Int?
    /// The most open connections of one address (`[SERVER_LIMIT] CONNECTIONS_PER_ADDRESS`); of IPv6 the first 64 bits
    /// count.
    ///
    /// Behind a trusted proxy it is the client's. Loopback addresses have no such limit: they are this machine. `nil`:
    /// no limit. Default: `nil`.
    package var connectionsPerAddress: Int?

    package init() {}
}
