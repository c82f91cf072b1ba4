// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A metric as `/metrics` shows it; the table of all is `MetricDefinition.all`.
package struct MetricDefinition: Sendable {
    /// How a metric behaves.
    package enum Kind: Sendable, Equatable {
        /// Only grows, until the process ends; its name ends with `_total`.
        case counter
        /// Goes up and down.
        case gauge
        /// Counts what was at most as large as each bound.
        case histogram([Double])
        /// Always 1: what there is to know stands in the labels; its name ends with `_info`.
        case info
    }

    /// The name in queries.
    package let name: String
    package let kind: Kind
    /// Names of the labels, all of which every sample has.
    package let labels: [String]
    /// What it counts or measures: a sentence, or more.
    package let help: String

    init(_ name: String, _ kind: Kind, labels: [String] = [], _ help: String) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.help = help
    }

    /// The base unit, which the name ends with.
    package var unit: String? {
        ["seconds", "bytes"].first { family.hasSuffix("_\($0)") }
    }

    /// The name in OpenMetrics, which leaves out what the kind adds to it.
    package var family: String {
        switch kind {
        case .counter: Self.without("_total", name)
        case .info: Self.without("_info", name)
        case .gauge, .histogram: name
        }
    }

    private static func without(_ suffix: String, _ name: String) -> String {
        name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
    }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    package static func named(_ name: String) -> MetricDefinition? { byName[name] }
}
