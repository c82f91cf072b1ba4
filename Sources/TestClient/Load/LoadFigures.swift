// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What a load of messages came to; times are milliseconds.
package struct LoadFigures: Sendable {
    /// Messages that were given to the server.
    package var sent = 0
    /// Messages whose time passed while the one before was not acknowledged.
    package var late = 0
    /// From sending until the acknowledgement, in no order.
    package var acknowledgements: [Double] = []
    /// From sending until the reader was shown the message, in no order.
    package var deliveries: [Double] = []
    /// Messages that were not acknowledged, by the status or word that says why.
    package var refused: [String: Int] = [:]
    /// How long it was written.
    package var duration = Duration.zero
    /// FastChat: refusals that the server told apart from the answers.
    var refusalNotices = 0

    /// A message that was refused by a notice was not acknowledged by the answer that followed.
    mutating func settleNotices() {
        let count = min(refusalNotices, acknowledgements.count)
        guard count > 0 else { return }
        acknowledgements.removeLast(count)
        refused["refused", default: 0] += count
        refusalNotices = 0
    }

    /// Why a message was not acknowledged.
    struct Reason {
        var word: String
        /// Whether nothing more can be sent on the connection.
        var endsConnection: Bool

        init(_ error: any Error) {
            switch error {
            case let error as MTPClientRefusal: self.init("\(error.code)")
            case let error as SkaroDenial: self.init(String(error.status.prefix(3)))
            case is MessengerFailure, is ConversationError, is FastChatClientFailure: self.init("refused")
            case ClientError.timedOut: self.init("timed_out", endsConnection: true)
            case is CancellationError, ClientError.cancelled: self.init("interrupted", endsConnection: true)
            default: self.init("connection_lost", endsConnection: true)
            }
        }

        private init(_ word: String, endsConnection: Bool = false) {
            self.word = word
            self.endsConnection = endsConnection
        }
    }
}

/// Quantiles of times.
package struct LoadLatency: Sendable, Encodable {
    private enum CodingKeys: String, CodingKey {
        case p50 = "p50_ms"
        case p95 = "p95_ms"
        case p99 = "p99_ms"
        case maximum = "max_ms"
    }

    package var p50: Double
    package var p95: Double
    package var p99: Double
    package var maximum: Double

    /// `nil` of no times.
    package init?(_ milliseconds: [Double]) {
        let sorted = milliseconds.sorted()
        guard let last = sorted.last else { return nil }
        func quantile(_ part: Double) -> Double {
            let rank = Int((Double(sorted.count) * part).rounded(.up))
            return sorted[min(max(rank, 1), sorted.count) - 1]
        }
        (p50, p95, p99, maximum) = (quantile(0.5), quantile(0.95), quantile(0.99), last)
    }
}
