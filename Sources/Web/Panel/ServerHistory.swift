// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
package import Operations
import Synchronization

/// How busy the server was in the last minutes: what the charts of the overview show.
package final class ServerHistory: Sendable {
    /// What happened between two measurements.
    struct Point: Sendable {
        var messages: Double
        var deliveries: Double
        var connections: Int
        /// From commit to hand-over, for one half and for 99 of 100; `nil` when nothing was delivered.
        var median: Duration?
        var slow: Duration?
        /// The part of one processor that the server took, such as 0.25.
        var processor: Double
    }

    /// How often the server is measured.
    package static let pause = Duration.seconds(2)
    /// How many points are kept: five minutes.
    static let capacity = 150

    private struct State {
        var points: [Point] = []
        var last: MeasureServer.Report?
    }

    private let state = Mutex(State())

    /// Nothing was measured yet.
    package init() {}

    /// The points, oldest first, and the last measurement.
    var now: (points: [Point], last: MeasureServer.Report?) {
        state.withLock { ($0.points, $0.last) }
    }

    /// Measures until its task is cancelled.
    package func run(on context: OperationContext) async {
        while !Task.isCancelled {
            if let report = try? await MeasureServer().run(on: context) { note(report) }
            try? await Task.sleep(for: Self.pause)
        }
    }

    /// Takes a measurement.
    func note(_ report: MeasureServer.Report) {
        state.withLock { state in
            if let last = state.last, report.uptime > last.uptime {
                if state.points.count == Self.capacity { state.points.removeFirst() }
                state.points.append(Point(from: last, to: report))
            }
            state.last = report
        }
    }
}

extension ServerHistory.Point {
    fileprivate init(from earlier: MeasureServer.Report, to later: MeasureServer.Report) {
        let milliseconds = Double(later.uptime - earlier.uptime)
        let latency = LatencyHistogram(buckets: later.latency).since(LatencyHistogram(buckets: earlier.latency))
        self.init(
            messages: Double(later.messages &- earlier.messages) * 1000 / milliseconds,
            deliveries: Double(later.deliveries &- earlier.deliveries) * 1000 / milliseconds,
            connections: later.connections.values.reduce(0, +), median: latency.quantile(0.5),
            slow: latency.quantile(0.99), processor: Double(later.processor - earlier.processor) / milliseconds)
    }
}
