// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Rows of cells, set in columns for people.
///
/// Cells are escaped; a line break in a cell becomes `\u{a}`.
package struct TableText: Sendable {
    private let headings: [String]
    private var rows: [[String]] = []
    /// The columns of what was taken already.
    private var takenWidths: [Int]?

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
            [headingLine(widths: widths, style: style)]
            + rows.map { line($0, widths: widths).joined(separator: "  ") }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The lines of the rows added since the last call, for a table that is written in parts: the headings come with the
    /// first part, and columns keep their width unless something wider comes.
    package mutating func takeText(style: TextStyle) -> String {
        let widths = headings.indices.map { column in
            rows.reduce(takenWidths?[column] ?? headings[column].count) { max($0, $1[column].count) }
        }
        var text = ""
        if takenWidths == nil { text = headingLine(widths: widths, style: style) + "\n" }
        for row in rows { text += line(row, widths: widths).joined(separator: "  ") + "\n" }
        takenWidths = widths
        rows = []
        return text
    }

    private func headingLine(widths: [Int], style: TextStyle) -> String {
        line(headings, widths: widths).map { style.apply(.bold, to: $0) }.joined(separator: "  ")
    }

    private func line(_ cells: [String], widths: [Int]) -> [String] {
        var result = zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
        if let last = cells.last { result[result.count - 1] = last }
        return result
    }
}
