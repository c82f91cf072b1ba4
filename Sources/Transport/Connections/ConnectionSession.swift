// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What the sessions of all kinds of connections have in common.
///
/// Every call comes on the connection's event loop.
package protocol ConnectionSession: AnyObject {
    /// The server is stopping: finish what is in flight, then close the connection.
    func drain()

    /// The connection is gone, for whatever reason: the last call, once.
    func closed()
}

/// A session that takes what was encoded once for many connections.
///
/// ``FanOut`` brings it.
package protocol DeliverySession: ConnectionSession, SendableMetatype {
    /// What is handed over: encoded frames or units with the positions of their events, and whatever the session needs
    /// to decide whether they are for it.
    associatedtype Delivery: Sendable

    /// Something for many connections, this one among them.
    ///
    /// Write it and flush, or leave it in the log when the peer does not keep up (`isWritable`). However many
    /// deliveries a tick brings, and however often they are flushed, the connection is flushed once.
    func deliver(_ delivery: Delivery)
}
