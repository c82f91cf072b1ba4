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

/// What `doctor` prints, or printed on another machine.
struct DoctorReport: CommandReport, Decodable {
    /// A check as JSON has it.
    struct Item: Codable, Sendable {
        /// `DoctorCheck.Kind`, or one that another version of the program knows.
        var check: String
        /// `ok`, or the severity of the worst finding.
        var status: String
        var summary: String
        var findings: [FindingsReport.Item]

        init(_ check: DoctorCheck) {
            (self.check, summary) = (check.name, check.summary)
            status = check.severity?.rawValue ?? "ok"
            findings = check.findings.map(FindingsReport.Item.init)
        }
    }

    private enum CodingKeys: String, CodingKey { case file, checks, problems }

    /// The settings file, if there is one.
    var file: String?
    var checks: [Item]

    init(file: String?, checks: [DoctorCheck]) {
        self.file = file
        self.checks = checks.map(Item.init)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        file = try container.decodeIfPresent(String.self, forKey: .file)
        checks = try container.decode([Item].self, forKey: .checks)
    }

    /// How many of the findings are to be fixed.
    var problems: Int { checks.reduce(0) { $0 + $1.findings.count { $0.severity != .note } } }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(file, forKey: .file)
        try container.encode(checks, forKey: .checks)
        try container.encode(problems, forKey: .problems)
    }

    func text(style: TextStyle) -> String {
        var text = ""
        for check in checks {
            let line = "\(check.check): \(check.summary)".escapedForTerminal()
            text += "\(Self.mark(check.status, style)) \(line)\n"
            for finding in check.findings {
                text += "           \(finding.severity.rawValue): \(finding.text)\n"
                text += "           more: \(SettingsFinding.ID.section(of: finding.id).escapedForTerminal())\n"
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

    private static func mark(_ status: String, _ style: TextStyle) -> String {
        let (word, emphasis): (String, TextStyle.Emphasis) =
            switch status {
            case "ok": ("ok", .green)
            case "note": ("note", .cyan)
            case "warning": ("warning", .yellow)
            default: ("error", .red)
            }
        return style.apply(emphasis, to: word) + String(repeating: " ", count: 8 - word.count)
    }
}
