// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What waits for all peers together, as each connection last found it: about once a second.
final class OutboundTotal: Sendable {
    private let maximumBytes: Int
    private let used = Atomic<Int>(0)

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    /// Whether there is more than there may be.
    var isExceeded: Bool { used.load(ordering: .relaxed) > maximumBytes }

    /// What waits now, in bytes.
    var usedBytes: Int { max(0, used.load(ordering: .relaxed)) }

    /// A connection has so many bytes more, or less, than it had.
    func change(by bytes: Int) {
        if bytes != 0 { used.wrappingAdd(bytes, ordering: .relaxed) }
    }
}
