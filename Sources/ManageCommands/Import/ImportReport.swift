// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations

/// What an import took, what it skipped and why.
struct ImportReport: CommandReport {
    /// Things of one kind, such as `messages`.
    struct Part: Encodable, Sendable {
        var name: String
        var taken = 0
        var existing = 0
        var skipped = 0
    }

    /// The most remarks that are listed; further ones are counted.
    private static let maximumRemarks = 1000

    /// Whether nothing was written.
    var isDryRun: Bool
    private(set) var parts: [Part] = []
    /// What was not taken, and why.
    private(set) var skipped: [ImportOutcome.Remark] = []
    /// What was taken with a change, and which.
    private(set) var changed: [ImportOutcome.Remark] = []
    /// What is to be known of the whole.
    private(set) var notes: [String] = []

    init(isDryRun: Bool) {
        self.isDryRun = isDryRun
    }

    /// Whether something was skipped.
    var isIncomplete: Bool { parts.contains { $0.skipped > 0 } }

    mutating func add(_ outcome: ImportOutcome, to name: String) {
        let index = parts.firstIndex { $0.name == name } ?? parts.endIndex
        if index == parts.endIndex { parts.append(Part(name: name)) }
        parts[index].taken += outcome.taken
        parts[index].existing += outcome.existing
        parts[index].skipped += outcome.skipped.count
        skipped += outcome.skipped.prefix(max(0, Self.maximumRemarks - skipped.count))
        changed += outcome.changed.prefix(max(0, Self.maximumRemarks - changed.count))
    }

    mutating func skip(_ item: String, _ reason: String, in name: String) {
        var outcome = ImportOutcome()
        outcome.skipped = [ImportOutcome.Remark(item, reason)]
        add(outcome, to: name)
    }

    mutating func note(_ text: String) {
        notes.append(text)
    }

    func text(style: TextStyle) -> String {
        var text = isDryRun ? "Nothing was written. The import would do this:\n" : ""
        let verb = isDryRun ? "to take" : "taken"
        for part in parts {
            text += "\(part.name): \(part.taken) \(verb), \(part.existing) here already, \(part.skipped) skipped\n"
        }
        text += list("Skipped", skipped, of: parts.reduce(0) { $0 + $1.skipped })
        text += list("Changed", changed, of: changed.count)
        for note in notes { text += note + "\n" }
        return text
    }

    private func list(_ title: String, _ remarks: [ImportOutcome.Remark], of count: Int) -> String {
        guard !remarks.isEmpty else { return "" }
        var text = "\(title):\n"
        for remark in remarks {
            text += "  \(remark.item.escapedForTerminal()): \(remark.reason.escapedForTerminal())\n"
        }
        if count > remarks.count { text += "  and \(count - remarks.count) more\n" }
        return text
    }
}
