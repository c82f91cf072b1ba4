// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations

extension MessageReport {
    static let headings = ["NUMBER", "TIME", "AUTHOR", "UUID", "TEXT"]

    /// How much of a text a table shows.
    private static let maximumCharacters = 80

    var cells: [String] { ["\(number)", time, author, uuid, summary] }

    /// The beginning of the text, and that there are files.
    var summary: String {
        let isLong = text.unicodeScalars.count > Self.maximumCharacters
        var summary = String(String.UnicodeScalarView(text.unicodeScalars.prefix(Self.maximumCharacters)))
        if isLong { summary += "…" }
        if !files.isEmpty { summary += (summary.isEmpty ? "" : " ") + "[\(files.joined(separator: ", "))]" }
        return summary
    }
}

extension MessageReport: CommandReport {
    package func text(style: TextStyle) -> String {
        var fields = FieldsText()
        fields.add("UUID", uuid)
        fields.add("Flow", flow)
        fields.add("Number", "\(number)")
        fields.add("Author", author)
        fields.add("Time", time)
        fields.add(isDeleted ? "Deleted" : "Edited", edited ?? "-")
        fields.add("Files", files.isEmpty ? "-" : files.joined(separator: ", "))
        fields.add("Text", text)
        return fields.text(style: style)
    }
}

/// What `message delete` prints.
struct DeletedMessageReport: CommandReport {
    var message: MessageReport

    func text(style: TextStyle) -> String {
        "Deleted message \(message.uuid) of '\(message.author.escapedForTerminal(lineBreaks: false))'.\n"
    }
}
