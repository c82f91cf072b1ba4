// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A table for people: the first column to the left, figures to the right.
package struct BenchmarkTable: Sendable {
    private var rows: [[String]]

    /// A table with its headings.
    package init(_ headings: [String]) {
        rows = [headings]
    }

    /// Adds a row.
    package mutating func add(_ row: [String]) {
        rows.append(row)
    }

    /// The lines, each ended.
    package var text: String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + padding : padding + cell
            }.joined(separator: "  ")
        }.joined(separator: "\n") + "\n"
    }
}

extension Double {
    /// With so many digits behind the point.
    package func digits(_ count: Int) -> String {
        var scale = 1.0
        for _ in 0..<count { scale *= 10 }
        let scaled = (abs(self) * scale).rounded()
        guard scaled < 1e15 else { return "\(self)" }
        let whole = String(Int(scaled))
        let padded = String(repeating: "0", count: max(count + 1 - whole.count, 0)) + whole
        let sign = self < 0 && scaled > 0 ? "-" : ""
        return sign + padded.dropLast(count) + (count > 0 ? "." + padded.suffix(count) : "")
    }
}

/// Says on stdout which machine and which build the figures are from.
package enum BenchmarkSurroundings {
    /// Lines such as `Linux 6.1, 2 processors; release build`.
    package static func describe(processors: Int) -> String {
        let kernel = ProcText.read("/proc/sys/kernel/osrelease")?.prefix { $0 != "\n" } ?? "?"
        let cpu = ProcText.read("/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("model name") }?
            .split(separator: ":").last.map { String($0.drop { $0 == " " }) }
        #if DEBUG
        let build = "debug build: the figures say nothing"
        #else
        let build = "release build"
        #endif
        return "\(cpu ?? "Unknown processor"), \(processors) in use; Linux \(kernel); \(build)\n"
    }
}

/// What was printed and has not left the process: stdout is a pipe or a file as often as a terminal.
package enum OutputBuffer {
    /// Lets it leave.
    package static func flush() {
        fflush(nil)
    }
}
