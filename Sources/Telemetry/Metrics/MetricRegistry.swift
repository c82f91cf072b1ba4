// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import CoreMetrics
import Synchronization

/// swift-metrics' way to what `/metrics` shows: counters and gauges are atomic numbers, histograms have a lock each.
///
/// What makes a metric keeps it: names and labels are looked up then, never while counting. Only metrics of the table
/// with its labels are kept; anything else is taken and dropped.
package final class MetricRegistry: MetricsFactory {
    private struct Series {
        let labels: [String]
        let handler: any MetricSeries
    }

    /// The most samples of one metric: labels are few words of the code.
    private static let maximumSeries = 256

    private let series = Mutex<[String: [Series]]>([:])

    package init() {}

    /// What was counted so far.
    package var samples: MetricSamples {
        var samples = MetricSamples()
        for (name, all) in series.withLock({ $0 }) {
            for one in all { samples.add(name, one.labels, one.handler.value) }
        }
        return samples
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        handler(label, dimensions) { $0 == .counter ? CounterSeries() : nil } ?? NOOPMetricsHandler.instance
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        handler(label, dimensions) { $0 == .gauge ? GaugeSeries() : nil } ?? NOOPMetricsHandler.instance
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        if aggregate { return histogram(label, dimensions) ?? NOOPMetricsHandler.instance }
        return handler(label, dimensions) { $0 == .gauge ? GaugeSeries() : nil } ?? NOOPMetricsHandler.instance
    }

    /// What is recorded in nanoseconds is shown in seconds.
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    // What was counted stays: a counter never goes back.

    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    private func histogram(_ name: String, _ dimensions: [(String, String)]) -> HistogramSeries? {
        handler(name, dimensions) { kind in
            if case .histogram(let bounds) = kind { HistogramSeries(bounds) } else { nil }
        }
    }

    /// The handler of a metric with these labels, made when it is first asked for; `nil` for what is not in the table.
    private func handler<Handler: MetricSeries>(
        _ name: String, _ dimensions: [(String, String)], _ make: (MetricDefinition.Kind) -> Handler?
    ) -> Handler? {
        guard let definition = MetricDefinition.named(name), definition.labels == dimensions.map(\.0) else {
            return nil
        }
        let labels = dimensions.map(\.1)
        return series.withLock { series in
            let known = series[name, default: []]
            if let found = known.first(where: { $0.labels == labels }) { return found.handler as? Handler }
            guard known.count < Self.maximumSeries, let handler = make(definition.kind) else { return nil }
            series[name, default: []].append(Series(labels: labels, handler: handler))
            return handler
        }
    }
}

/// What is counted under one name with one set of labels.
private protocol MetricSeries: AnyObject, Sendable {
    var value: MetricValue { get }
}

private final class CounterSeries: CounterHandler, MetricSeries {
    private let count = Atomic<UInt64>(0)

    var value: MetricValue { .number(Double(count.load(ordering: .relaxed))) }

    func increment(by amount: Int64) {
        if amount > 0 { count.wrappingAdd(UInt64(amount), ordering: .relaxed) }
    }

    func reset() {}
}

private final class GaugeSeries: MeterHandler, RecorderHandler, MetricSeries {
    private let bits = Atomic<UInt64>(0)

    var value: MetricValue { .number(Double(bitPattern: bits.load(ordering: .relaxed))) }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func decrement(by amount: Double) { increment(by: -amount) }

    func increment(by amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (isDone, current) = bits.compareExchange(expected: old, desired: new, ordering: .relaxed)
            if isDone { return }
            old = current
        }
    }
}

private final class HistogramSeries: RecorderHandler, TimerHandler, MetricSeries {
    private let histogram: Mutex<MetricHistogram>

    init(_ bounds: [Double]) {
        histogram = Mutex(MetricHistogram(bounds: bounds))
    }

    var value: MetricValue { .histogram(histogram.withLock { $0 }) }

    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { histogram.withLock { $0.record(value) } }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}
