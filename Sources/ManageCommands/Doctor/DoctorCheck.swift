// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Settings

/// One thing that `doctor` looked at.
struct DoctorCheck: Sendable {
    /// What is looked at; docs/operations.md has a section for each, and in it one for each finding.
    enum Kind: String, Sendable, CaseIterable {
        case settings, database, clock, backup, secrets, cluster, ports, tls, disk, files
    }

    var kind: Kind
    /// What was seen: a sentence without any secret.
    var summary: String
    /// What is to be known or fixed; empty when all is well.
    var findings: [SettingsFinding]
    /// Whether the database has this program's schema, so that other checks may read it.
    var isCurrent = false

    /// A short, stable name: `database`, `ports`.
    var name: String { kind.rawValue }

    init(_ kind: Kind, _ summary: String, findings: [SettingsFinding] = []) {
        self.kind = kind
        self.summary = summary
        self.findings = findings
    }

    /// The worst that was found.
    var severity: SettingsFinding.Severity? {
        for severity in [SettingsFinding.Severity.error, .warning, .note]
        where findings.contains(where: { $0.severity == severity }) {
            return severity
        }
        return nil
    }
}

/// What `doctor` prints.
struct DoctorReport: CommandReport {
    private struct Item: Encodable {
        private enum CodingKeys: String, CodingKey { case check, status, summary, findings }

        var check: DoctorCheck

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(check.name, forKey: .check)
            try container.encode(check.severity?.rawValue ?? "ok", forKey: .status)
            try container.encode(check.summary, forKey: .summary)
            try container.encode(check.findings.map { FindingsReport.Item(finding: $0) }, forKey: .findings)
        }
    }

    private enum CodingKeys: String, CodingKey { case file, checks, problems }

    /// The settings file, if there is one.
    var file: String?
    var checks: [DoctorCheck]

    /// How many of the findings are to be fixed.
    var problems: Int { checks.reduce(0) { $0 + $1.findings.count { $0.severity != .note } } }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(file, forKey: .file)
        try container.encode(checks.map { Item(check: $0) }, forKey: .checks)
        try container.encode(problems, forKey: .problems)
    }

    func text(style: TextStyle) -> String {
        var text = ""
        for check in checks {
            text += "\(Self.mark(check.severity, style)) \(check.name): \(check.summary.escapedForTerminal())\n"
            for finding in check.findings {
                text += "           \(finding.severity.rawValue): \(finding.description.escapedForTerminal())\n"
                text += "           more: \(finding.id.section)\n"
            }
        }
        if checks.contains(where: { !$0.findings.isEmpty }) {
            text += "Where the package is installed, docs/ is /usr/share/doc/parley/.\n"
        }
        switch problems {
        case 0: text += style.apply(.green, to: "No problems.")
        case 1: text += "1 problem."
        default: text += "\(problems) problems."
        }
        return text + "\n"
    }

    private static func mark(_ severity: SettingsFinding.Severity?, _ style: TextStyle) -> String {
        let (word, emphasis): (String, TextStyle.Emphasis) =
            switch severity {
            case nil: ("ok", .green)
            case .note: ("note", .cyan)
            case .warning: ("warning", .yellow)
            case .error: ("error", .red)
            }
        return style.apply(emphasis, to: word) + String(repeating: " ", count: 8 - word.count)
    }
}
