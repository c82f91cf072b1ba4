// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat

/// The way to one connection that wants to know only that something happened.
package final class NewsSink: EventSink {
    package let showsAccounts = true
    private let news: @Sendable () -> Void

    private init(_ news: @escaping @Sendable () -> Void) {
        self.news = news
    }

    package func deliver(_ run: LiveRun, to connections: [UInt64]) { news() }
    package func deliver(_ change: LiveChange, to connections: [UInt64]) { news() }
    package func hint(_ connections: [UInt64]) { news() }

    /// An address that calls `news` for each run and each hint.
    package static func address(_ news: @escaping @Sendable () -> Void = {}) -> DeliveryAddress {
        DeliveryAddress(sink: NewsSink(news), connection: 1)
    }
}
