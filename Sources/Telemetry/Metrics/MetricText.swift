// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Samples as a scraper reads them.
package enum MetricText {
    /// The two forms that Prometheus understands; they differ in the names of families and in the end.
    package enum Format: Sendable {
        /// OpenMetrics 1.0.0.
        case openMetrics
        /// Prometheus's older form, for who does not ask for the other.
        case prometheus

        /// The value of `Content-Type`.
        package var contentType: String {
            switch self {
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            }
        }
    }

    /// Writes samples in the order of the table; those of metrics that are not in it are left out.
    package static func text(of samples: MetricSamples, _ format: Format) -> String {
        var text = ""
        for definition in MetricDefinition.all {
            guard let all = samples.byName[definition.name], !all.isEmpty else { continue }
            let family = format == .openMetrics ? definition.family : definition.name
            text += "# TYPE \(family) \(type(of: definition, format))\n"
            if format == .openMetrics, let unit = definition.unit { text += "# UNIT \(family) \(unit)\n" }
            text += "# HELP \(family) \(escaped(definition.help))\n"
            for sample in all.sorted(by: { $0.labels.lexicographicallyPrecedes($1.labels) }) {
                append(definition, sample, to: &text)
            }
        }
        if format == .openMetrics { text += "# EOF\n" }
        return text
    }

    private static func type(of definition: MetricDefinition, _ format: Format) -> String {
        switch definition.kind {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        case .info: format == .openMetrics ? "info" : "gauge"
        }
    }

    private static func append(
        _ definition: MetricDefinition, _ sample: MetricSamples.Sample, to text: inout String
    ) {
        let labels = zip(definition.labels, sample.labels).map { "\($0)=\"\(escaped($1))\"" }
        switch sample.value {
        case .number(let number): text += line(definition.name, labels, number)
        case .histogram(let histogram):
            var below: UInt64 = 0
            for (bound, count) in zip(histogram.bounds + [.infinity], histogram.counts) {
                below &+= count
                text += line(
                    "\(definition.name)_bucket", labels + ["le=\"\(bound == .infinity ? "+Inf" : "\(bound)")\""],
                    Double(below))
            }
            text += line("\(definition.name)_count", labels, Double(below))
            text += line("\(definition.name)_sum", labels, histogram.sum)
        }
    }

    private static func line(_ name: String, _ labels: [String], _ value: Double) -> String {
        "\(name)\(labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}") \(number(value))\n"
    }

    private static func number(_ value: Double) -> String {
        if value == .infinity { return "+Inf" }
        if value == -.infinity { return "-Inf" }
        if value.isNaN { return "NaN" }
        if let whole = Int64(exactly: value), abs(whole) < 1 << 53 { return "\(whole)" }
        return "\(value)"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n").replacing("\"", with: "\\\"")
    }
}
