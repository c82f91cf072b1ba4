// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Bounds
import NIOCore
import NIOHTTP1
import Synchronization

/// Which web pages may open a WebSocket here (`[SERVER] ORIGINS`).
///
/// A browser sends the `Origin` of the page with each handshake, and does not ask the person: without this check any
/// page that a person looks at could talk to a server on their machine or in their network.
package final class OriginPolicy: Sendable {
    private let allowed: Mutex<Set<WebOrigin>>

    /// Only the server's own pages, and those of other places that are listed.
    package init(allowed: Set<WebOrigin> = []) {
        self.allowed = Mutex(allowed)
    }

    /// Lets pages of other places open WebSockets from now on; those that are open stay open.
    package func set(allowed: Set<WebOrigin>) {
        self.allowed.withLock { $0 = allowed }
    }

    /// Whether a handshake may go on.
    ///
    /// Without `Origin` it is no browser's. A page of the server's own has the scheme, host and port of the `Host`
    /// header. A server that only this machine reaches does not take that header's word for a name that some name
    /// server may point here.
    ///
    /// - Parameters:
    ///   - headers: Of the handshake.
    ///   - scheme: `https` under TLS, here or at a trusted proxy.
    ///   - isPrivate: Whether the connection came straight to a loopback address.
    /// - Returns: Whether the handshake may go on.
    func allows(_ headers: HTTPHeaders, scheme: String, isPrivate: Bool) -> Bool {
        let origins = headers["Origin"]
        guard !origins.isEmpty else { return true }
        guard origins.count == 1, let origin = WebOrigin(origins[0]) else { return false }
        if self.allowed.withLock({ $0.contains(origin) }) { return true }
        let hosts = headers["Host"]
        guard hosts.count == 1, let own = WebOrigin(scheme: scheme, authority: hosts[0]) else { return false }
        return origin == own && (!isPrivate || own.hasFixedHost)
    }
}
