// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Hands what was encoded once to many connections, of WebSocket and TCP alike.
///
/// There is one hop per event loop, however many deliveries are waiting for it, and one flush per connection.
package struct FanOut<Session: DeliverySession>: Sendable {
    private let registry: ConnectionRegistry

    /// Creates the way to the sessions of this type among the connections of `registry`.
    package init(registry: ConnectionRegistry) {
        self.registry = registry
    }

    /// Brings `delivery` to the sessions of those connections that are still open; may be called on any thread, and
    /// returns at once.
    ///
    /// A connection gets deliveries in the order of the calls, when these do not overlap. A connection with a session
    /// of another type is left out.
    package func deliver(_ delivery: Session.Delivery, to ids: some Sequence<ConnectionID>) {
        self.registry.forEachSession(of: ids) { session in
            // Sessions are final classes as a rule; asking for the exact type first spares a cast per delivery.
            if type(of: session) == Session.self {
                unsafeDowncast(session, to: Session.self).deliver(delivery)
            } else {
                (session as? Session)?.deliver(delivery)
            }
        }
    }
}
