// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Rows of cells, set in columns for people.
///
/// Cells are escaped; a line break in a cell becomes `\u{a}`.
package struct TableText: Sendable {
    private let headings: [String]
    private var rows: [[String]] = []

    /// Creates a table with a row of headings.
    package init(headings: [String]) {
        self.headings = headings
    }

    /// Adds a row.
    ///
    /// It has as many cells as there are headings; missing ones are empty.
    package mutating func add(_ cells: [String]) {
        rows.append(headings.indices.map { $0 < cells.count ? cells[$0].escapedForTerminal(lineBreaks: false) : "" })
    }

    /// The lines of the table; every line ends with a line break.
    ///
    /// The last column is not padded.
    package func text(style: TextStyle) -> String {
        let widths = headings.indices.map { column in
            rows.reduce(headings[column].count) { max($0, $1[column].count) }
        }
        let lines =
            [line(headings, widths: widths).map { style.apply(.bold, to: $0) }.joined(separator: "  ")]
            + rows.map { line($0, widths: widths).joined(separator: "  ") }
        return lines.map { $0 + "\n" }.joined()
    }

    private func line(_ cells: [String], widths: [Int]) -> [String] {
        var result = zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
        if let last = cells.last { result[result.count - 1] = last }
        return result
    }
}
