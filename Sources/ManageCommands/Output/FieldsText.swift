// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Names and values below each other, for the text form of one thing.
struct FieldsText {
    private var fields: [(name: String, value: String)] = []

    /// Adds a line; the value is escaped.
    mutating func add(_ name: String, _ value: String) {
        fields.append((name, value.escapedForTerminal(lineBreaks: false)))
    }

    /// The lines; every line ends with a line break.
    func text(style: TextStyle) -> String {
        let width = fields.reduce(0) { max($0, $1.name.count) }
        return fields.map { field in
            let blanks = String(repeating: " ", count: width - field.name.count)
            return "\(style.apply(.bold, to: field.name))\(blanks)  \(field.value)\n"
        }.joined()
    }
}
