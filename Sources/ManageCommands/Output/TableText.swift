// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Rows of cells, set in columns for people.
///
/// Cells are escaped; a line break in a cell becomes `\u{a}`.
struct TableText: Sendable {
    private let headings: [String]
    private var rows: [[String]] = []
    /// The headings of columns that are never cut: a time without its minutes says less than a name without its end.
    private let whole: Set<String>
    /// The columns of what was taken already.
    private var takenWidths: [Int]?

    init(headings: [String], whole: Set<String> = ["TIME"]) {
        self.headings = headings
        self.whole = whole
    }

    /// Adds a row.
    ///
    /// It has as many cells as there are headings; missing ones are empty.
    mutating func add(_ cells: [String]) {
        rows.append(headings.indices.map { $0 < cells.count ? cells[$0].escapedForTerminal(lineBreaks: false) : "" })
    }

    /// The lines of the table; every line ends with a line break.
    ///
    /// The last column is not padded. Where lines have a limit, the widest cells are cut.
    func text(style: TextStyle) -> String {
        let natural = headings.indices.map { column in
            rows.reduce(headings[column].columns) { max($0, $1[column].columns) }
        }
        let widths = fitting(natural, style: style)
        let lines =
            [headingLine(widths: widths, style: style)]
            + rows.map { line($0, widths: widths).joined(separator: "  ") }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The lines of the rows added since the last call, for a table that is written in parts: the headings come with
    /// the first part, and columns keep their width unless something wider comes.
    mutating func takeText(style: TextStyle) -> String {
        let natural = headings.indices.map { column in
            rows.reduce(takenWidths?[column] ?? headings[column].columns) { max($0, $1[column].columns) }
        }
        let widths = fitting(natural, style: style)
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
        let cut = zip(cells, widths).map { $0.cut(toColumns: $1) }
        var result = zip(cut, widths).map { $0 + String(repeating: " ", count: max(0, $1 - $0.columns)) }
        if let last = cut.last { result[result.count - 1] = last }
        return result
    }

    /// The widths within the limit of a line: the widest column gives way first, down to its heading or eight columns;
    /// those that are kept whole do not.
    private func fitting(_ natural: [Int], style: TextStyle) -> [Int] {
        guard let columns = style.columns else { return natural }
        var widths = natural
        let least = zip(headings, natural).map { whole.contains($0) ? $1 : max(8, $0.columns) }
        var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - columns
        while excess > 0 {
            let candidates = widths.indices.filter { widths[$0] > least[$0] }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }
}
