// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness

/// What the rounds of a case gave, for each contender.
struct CaseResult: Sendable {
    let benchmark: BenchmarkCase
    let names: [String]
    /// Those of each contender, in the order of the names.
    let rounds: [[Round]]

    /// What the name of a contender with history ends with.
    static let historySuffix = ", history"

    private static let headings = [
        "", "shape", "push", "requests/s", "of echo", "of durable", "of SQLite", "p50 ms", "p99 ms",
        "server us/request",
        "client us/request", "machine busy", "least-most",
    ]

    /// The lines of this case alone.
    var table: String { Self.table(of: [self]) }

    static func table(of results: [CaseResult]) -> String {
        var table = BenchmarkTable(headings)
        for result in results {
            for index in result.names.indices { table.add(result.row(index)) }
        }
        return table.text + results.map(\.remark).joined()
    }

    /// What history costs.
    private var remark: String {
        names.filter { $0.hasSuffix(Self.historySuffix) }.map { name in
            let empty = String(name.dropLast(Self.historySuffix.count))
            guard let with = names.firstIndex(of: name), let without = names.firstIndex(of: empty) else { return "" }
            let ratio = zip(rounds[with], rounds[without]).map { $0.serverProcessor / $1.serverProcessor }.median
            return "\(empty): with \(benchmark.history) messages in \(benchmark.rooms) rooms a message costs "
                + "\(ratio.digits(2)) times the processor time of the empty server.\n"
        }.joined()
    }

    private func row(_ index: Int) -> [String] {
        let own = rounds[index]
        let rates = own.map(\.requestsPerSecond)
        return [
            "\(benchmark.request.rawValue): \(names[index])", "\(benchmark.shape)", benchmark.push ? "on" : "off",
            rates.median.digits(0), ratio(index, to: "Bare echo"), ratio(index, to: "Durable echo"),
            ratio(index, to: names[index].replacing("PostgreSQL", with: "SQLite")),
            own.map(\.latencies.median).median.digits(2), own.map(\.latencies.p99).median.digits(2),
            own.map(\.serverProcessor).median.digits(1), own.map(\.clientProcessor).median.digits(1),
            (own.map(\.machineBusy).median * 100).digits(0) + " %",
            "\((rates.min() ?? 0).digits(0))-\((rates.max() ?? 0).digits(0))",
        ]
    }

    /// Round by round, so that what slows the machine for a while slows both.
    private func ratio(_ index: Int, to name: String) -> String {
        guard let base = names.firstIndex(of: name), base != index else { return "-" }
        return zip(rounds[index], rounds[base]).map { $0.requestsPerSecond / $1.requestsPerSecond }.median.digits(2)
    }
}
