// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Operations

/// A list written page by page, so that no table of the database is held in memory.
struct StreamedList: ~Copyable {
    private let name: String
    private let output: OutputOptions
    private var table: TableText
    private var count = 0

    init(name: String, headings: [String], output: OutputOptions) {
        self.name = name
        self.output = output
        table = TableText(headings: headings)
    }

    /// Writes a page.
    mutating func write<Item: Encodable>(_ items: [Item], cells: (Item) -> [String]) throws {
        let target = CommandContext.current.standardOutput
        if !output.isJSON {
            for item in items { table.add(cells(item)) }
            try target.write(table.takeText(style: output.style))
            return
        }
        let encoder = JSONEncoder.forOperations([.sortedKeys, .withoutEscapingSlashes])
        var text = count == 0 ? "{\n  \"\(name)\" : [" : ""
        for item in items {
            text += count == 0 ? "\n    " : ",\n    "
            text += String(decoding: try encoder.encode(item), as: UTF8.self)
            count += 1
        }
        try target.write(text)
    }

    /// Ends the list.
    consuming func finish(next: Int64?) throws {
        guard output.isJSON else {
            if let next { try output.note("There are more: continue with --after \(next).") }
            return
        }
        let next = next.map(String.init) ?? "null"
        try CommandContext.current.standardOutput.write(
            "\(count == 0 ? "" : "\n  ")],\n  \"next\" : \(next),\n  \"version\" : 1\n}\n")
    }
}
