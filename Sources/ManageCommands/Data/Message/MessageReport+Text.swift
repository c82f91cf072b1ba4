// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations

extension MessageReport {
    static let headings = ["NUMBER", "TIME", "AUTHOR", "TEXT"]
    /// How much of a text a table shows, so that its lines have 80 columns.
    private static let maximumCharacters = 36

    var cells: [String] { ["\(number)", time.minuteOfTime, author, summary] }

    /// The names of the files and the beginning of the text.
    private var summary: String {
        let whole = files.isEmpty ? text : "[\(files.joined(separator: ", "))] \(text)"
        let start = String(String.UnicodeScalarView(whole.unicodeScalars.prefix(Self.maximumCharacters)))
        return start.utf8.count < whole.utf8.count ? start + "…" : whole
    }
}

extension MessageReport: CommandReport {
    func text(style: TextStyle) -> String {
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
