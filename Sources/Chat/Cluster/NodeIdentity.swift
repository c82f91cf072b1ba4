// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage
import Synchronization

/// This process's number among those that share the store.
///
/// It is `.unknown` until the process is in the cluster's list, and another one when it had to enter itself anew.
package final class NodeIdentity: Sendable {
    private let number: Atomic<Int64>

    /// An identity that is known already, or none.
    package init(_ id: NodeID = .unknown) {
        number = Atomic(id.rawValue)
    }

    /// The number now.
    package var id: NodeID {
        get { NodeID(number.load(ordering: .relaxed)) }
        set { number.store(newValue.rawValue, ordering: .relaxed) }
    }
}
