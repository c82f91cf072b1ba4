// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The page docs/metrics.md, which follows from the table of metrics.
package enum MetricsDocumentation {
    /// The content of docs/metrics.md.
    package static func page() -> String {
        var text = """
            # Metrics

            <!-- Made from the table in Sources/Telemetry/Metrics; RECORD_SNAPSHOTS=1 Scripts/test writes it anew. -->

            A server shows what it does at `http://127.0.0.1:9464/metrics`, in OpenMetrics 1.0.0 for a scraper that asks
            for it and in Prometheus's text format for others. `[METRICS] LISTEN` says where and `ENABLED = off` that it
            does not; `/livez`, `/readyz` and `/version` are on the same port. While the settings say nothing of the
            address and another program has the port, the server runs without metrics and says so in its log: with
            several servers on one machine give each a LISTEN of its own.

            Any client that reaches the port can read the figures: it listens on a loopback address, and has no
            password. The labels name protocols, outcomes, limits, kinds of query and the program's version, never an
            account, a flow or an address. `manage top` shows the same figures: there is one source for both. Everything
            is counted since the start of the process.

            `deploy/grafana-parley.json` is a board for Grafana, `deploy/parley.rules.yml` has rules for Prometheus:
            server down, not ready, errors, queue growing, deliveries slow, disk nearly full, backup too old or failed,
            many failed logins, reload refused, file descriptors running out.

            ```yaml
            # prometheus.yml
            rule_files: [parley.rules.yml]
            scrape_configs:
              - job_name: parley
                static_configs:
                  - targets: ["127.0.0.1:9464"]
            ```

            | Metric | Kind | Labels | Meaning |
            |---|---|---|---|

            """
        for definition in MetricDefinition.all {
            let labels = definition.labels.map { "`\($0)`" }.joined(separator: ", ")
            text += "| `\(definition.name)` | \(kind(definition)) | \(labels) | \(definition.help) |\n"
        }
        text += """

            A histogram has the samples `_bucket`, `_count` and `_sum`. Bounds of times are powers of two of a
            microsecond, from 64 µs to 8.4 s. `process_cpu_seconds_total` and its neighbours have the names that every
            exporter gives them.

            """
        return text
    }

    private static func kind(_ definition: MetricDefinition) -> String {
        switch definition.kind {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        case .info: "info"
        }
    }
}
