// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What a sample says.
package enum MetricValue: Sendable, Equatable {
    case number(Double)
    case histogram(MetricHistogram)
}

/// How often something was at most as large as each bound, and the sum.
package struct MetricHistogram: Sendable, Equatable {
    /// Ascending.
    package let bounds: [Double]
    /// One for each bound, not cumulated, and one for what is larger than all.
    package private(set) var counts: [UInt64]
    package private(set) var sum = 0.0

    package init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// Takes counts that were kept elsewhere: one for each bound and one for the rest.
    package init(bounds: [Double], counts: [UInt64], sum: Double) {
        self.init(bounds: bounds)
        for (index, count) in counts.prefix(bounds.count + 1).enumerated() { self.counts[index] = count }
        self.sum = sum
    }

    /// How many were counted.
    package var count: UInt64 { counts.reduce(0, &+) }

    mutating func record(_ value: Double) {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] < value { low = middle + 1 } else { high = middle }
        }
        counts[low] &+= 1
        sum += value
    }
}

/// Samples by the name of their metric.
package struct MetricSamples: Sendable {
    /// One sample: its labels in the order of the definition, and what it says.
    package typealias Sample = (labels: [String], value: MetricValue)

    private(set) var byName: [String: [Sample]] = [:]

    package init() {}

    /// Adds a sample; `labels` are the values in the order of the definition.
    package mutating func add(_ name: String, _ labels: [String] = [], _ value: MetricValue) {
        byName[name, default: []].append((labels, value))
    }

    package mutating func add(_ name: String, _ labels: [String] = [], _ number: some BinaryInteger) {
        add(name, labels, .number(Double(number)))
    }

    /// Adds the samples of another source.
    package mutating func add(_ other: MetricSamples) {
        for (name, samples) in other.byName { byName[name, default: []] += samples }
    }
}
