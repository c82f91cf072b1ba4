// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import FoundationEssentials
import Glibc
import Testing

@testable import Telemetry

struct MetricsTests {
    private func text(_ registry: MetricRegistry, _ format: MetricText.Format = .openMetrics) -> String {
        MetricText.text(of: registry.samples, format)
    }

    @Test func countersGaugesAndHistogramsAreShown() {
        let registry = MetricRegistry()
        let labels = [("protocol", "mtp"), ("outcome", "success")]
        Counter(label: "parley_logins_total", dimensions: labels, factory: registry).increment(by: 3)
        Counter(label: "parley_logins_total", dimensions: labels, factory: registry).increment()
        Meter(label: "parley_waiting_writes", dimensions: [], factory: registry).set(7)
        let entries = Recorder(label: "parley_batch_entries", dimensions: [], aggregate: true, factory: registry)
        for count in [1, 2, 3, 5000] { entries.record(count) }
        let commits = Timer(label: "parley_commit_duration_seconds", dimensions: [], factory: registry)
        commits.recordNanoseconds(64_000)
        commits.recordNanoseconds(2_000_000)

        let shown = text(registry)

        #expect(
            shown.contains(
                """
                # TYPE parley_logins counter
                # HELP parley_logins Checks of a password
                """.prefix(60)))
        #expect(shown.contains("\nparley_logins_total{protocol=\"mtp\",outcome=\"success\"} 4\n"))
        #expect(shown.contains("# TYPE parley_waiting_writes gauge\n"))
        #expect(shown.contains("\nparley_waiting_writes 7\n"))
        #expect(shown.contains("\nparley_batch_entries_bucket{le=\"1.0\"} 1\n"))
        #expect(shown.contains("\nparley_batch_entries_bucket{le=\"2.0\"} 2\n"))
        #expect(shown.contains("\nparley_batch_entries_bucket{le=\"1024.0\"} 3\n"))
        #expect(shown.contains("\nparley_batch_entries_bucket{le=\"+Inf\"} 4\n"))
        #expect(shown.contains("\nparley_batch_entries_count 4\nparley_batch_entries_sum 5006\n"))
        #expect(shown.contains("# UNIT parley_commit_duration_seconds seconds\n"))
        #expect(shown.contains("\nparley_commit_duration_seconds_bucket{le=\"6.4e-05\"} 1\n"))
        #expect(shown.contains("\nparley_commit_duration_seconds_count 2\n"))
        #expect(shown.hasSuffix("\n# EOF\n"))
    }

    @Test func olderFormHasTheNamesOfSamples() {
        let registry = MetricRegistry()
        Counter(label: "parley_messages_total", dimensions: [("protocol", "mtp")], factory: registry).increment()

        let shown = text(registry, .prometheus)

        #expect(shown.contains("# TYPE parley_messages_total counter\n"))
        #expect(!shown.contains("# EOF") && !shown.contains("# UNIT"))
    }

    @Test func whatIsNotInTheTableIsNotKept() {
        let registry = MetricRegistry()
        Counter(label: "parley_nothing_total", dimensions: [], factory: registry).increment()
        Counter(label: "parley_messages_total", dimensions: [("user", "alice")], factory: registry).increment()
        Counter(label: "parley_waiting_writes", dimensions: [], factory: registry).increment()
        for number in 0..<1000 {
            Counter(
                label: "parley_registrations_total", dimensions: [("protocol", "\(number)")], factory: registry
            ).increment()
        }

        let shown = text(registry)

        #expect(!shown.contains("alice") && !shown.contains("parley_nothing"))
        #expect(!shown.contains("parley_waiting_writes"))
        #expect(shown.split(separator: "\n").count { $0.hasPrefix("parley_registrations_total") } == 256)
    }

    @Test func labelsAreEscaped() {
        var samples = MetricSamples()
        samples.add("parley_build_info", ["a\"b\\c\nd"], 1)

        let shown = MetricText.text(of: samples, .openMetrics)

        #expect(shown.contains("parley_build_info{version=\"a\\\"b\\\\c\\nd\"} 1\n"))
        #expect(shown.contains("# TYPE parley_build info\n"))
    }

    @Test func labelsNameNobodyAndNamesFollowTheConventions() {
        let allowed: Set = ["protocol", "command", "outcome", "reason", "bucket", "query", "version", "mode"]
        for definition in MetricDefinition.all {
            #expect(allowed.isSuperset(of: definition.labels), "\(definition.name)")
            #expect(definition.name.hasPrefix("parley_") || definition.name.hasPrefix("process_"))
            #expect((definition.kind == .counter) == definition.name.hasSuffix("_total"), "\(definition.name)")
            #expect(definition.help.hasSuffix(".") && !definition.help.contains("\""), "\(definition.name)")
            #expect(!["_ms", "_milliseconds", "_kb"].contains { definition.name.hasSuffix($0) })
        }
        #expect(Set(MetricDefinition.all.map(\.name)).count == MetricDefinition.all.count)
    }

    @Test func pageFollowsFromTheTable() throws {
        let path = Self.path("docs/metrics.md")
        if getenv("RECORD_SNAPSHOTS") != nil {
            try Data(MetricsDocumentation.page().utf8).write(to: URL(filePath: path))
            Issue.record("docs/metrics.md has been written; run again without RECORD_SNAPSHOTS.")
            return
        }
        let page = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        #expect(page == MetricsDocumentation.page(), "Run with RECORD_SNAPSHOTS=1 to write docs/metrics.md anew.")
    }

    /// Every word of a query that looks like a metric is one, and every metric of the table with such a name is spelled
    /// right.
    @Test(arguments: ["deploy/grafana-parley.json", "deploy/parley.rules.yml"])
    func queriesNameMetricsThatExist(file: String) throws {
        let text = String(decoding: try Data(contentsOf: URL(filePath: Self.path(file))), as: UTF8.self)
        let words = text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.filter {
            $0.hasPrefix("parley_") || $0.hasPrefix("process_")
        }
        var names = Set(MetricDefinition.all.map(\.name))
        for definition in MetricDefinition.all {
            if case .histogram = definition.kind {
                for suffix in ["_bucket", "_count", "_sum"] { names.insert(definition.name + suffix) }
            }
        }

        #expect(words.count > 10)
        for word in words { #expect(names.contains(String(word)), "\(word)") }
    }

    /// A file of the source tree, found from this one.
    private static func path(_ relative: String, file: String = #filePath) -> String {
        "/" + file.split(separator: "/").dropLast(3).joined(separator: "/") + "/" + relative
    }
}
