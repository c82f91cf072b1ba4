// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Logging
package import NIOCore

/// Limits of HTTP connections.
package struct HTTPOptions: Sendable {
    /// How long a connection may wait for its next request (`--timeout-keep-alive`).
    ///
    /// Default: 5 s.
    package var keepAliveTimeout = TimeAmount.seconds(5)
    /// How long a new connection may take to send its first request head.
    ///
    /// Default: 10 s.
    package var headTimeout = TimeAmount.seconds(10)
    /// How long a request body may pause.
    ///
    /// Default: 30 s.
    package var bodyTimeout = TimeAmount.seconds(30)
    /// How long a connection is kept to let the peer read the last response.
    ///
    /// Default: 2 s.
    package var lingerTimeout = TimeAmount.seconds(2)
    /// The longest header field, name and value.
    ///
    /// Default: 16 KiB.
    package var maximumHeaderFieldBytes = 16 * 1024
    /// The longest head, all fields together.
    ///
    /// Default: 64 KiB.
    package var maximumHeaderBytes = 64 * 1024
    /// The most header fields of a request.
    ///
    /// Default: 100.
    package var maximumHeaderFields = 100
    /// Whose word about where requests come from is taken.
    package var proxies = TrustedProxies.none
    /// Which web pages may open a WebSocket.
    package var origins = OriginPolicy()
    /// Where a request for a WebSocket gets its line; `nil`: nowhere.
    ///
    /// What serves other requests logs those itself. Default: `nil`.
    package var upgradeLog: Logger?

    package init() {}
}
