// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Database {
    /// `db stats`: what takes how much room.
    struct Stats: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how many rows and bytes each table takes.",
            discussion: """
                Bytes are those on the disk, with indexes. Reads the whole database.

                Examples:
                  manage db stats
                  manage db stats --json
                """
        )

        @OptionGroup var common: OperationOptions

        func operation() -> DatabaseStatistics { DatabaseStatistics() }
    }
}

extension DatabaseStatistics.Report: CommandReport {
    func text(style: TextStyle) -> String {
        var table = TableText(headings: ["TABLE", "ROWS", "BYTES"])
        for item in tables { table.add([item.name, item.rows.map { "\($0)" } ?? "-", "\(item.bytes)"]) }
        let free = freeBytes.map { ", of which \($0) can be used again" } ?? ""
        return table.text(style: style) + "The database takes \(bytes.counted("byte"))\(free).\n"
    }
}
