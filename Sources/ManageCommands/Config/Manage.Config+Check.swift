// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Settings

extension Manage.Config {
    /// `config check`: looks for mistakes.
    struct Check: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check the settings for mistakes.",
            discussion: """
                Finds wrong values, unknown keys, a database that cannot be reached, and
                files and folders that cannot be used. Ends with 3 when there is
                something to fix.

                Examples:
                  manage config check
                  manage config check --json --config /etc/parley/config.ini
                """
        )

        @OptionGroup var common: CommonOptions

        func run() async throws {
            var (loaded, findings) = common.settings.examine()
            if let loaded {
                if let note = loaded.note { try output.note(note) }
                findings += SettingsSurroundings(settings: loaded).findings()
                findings += await CommandContext.current.checkDatabase(loaded)
            }
            let report = FindingsReport(file: loaded.map(\.file) ?? common.settings.file.path, findings: findings)
            try output.write(report)
            if report.problems > 0 { throw ExitCode(CommandStatus.findings.rawValue) }
        }
    }
}

/// What `config check` prints.
struct FindingsReport: CommandReport {
    /// A finding as JSON has it.
    struct Item: Codable, Sendable {
        /// `SettingsFinding.ID`, or one that another version of the program knows.
        var id: String
        var severity: SettingsFinding.Severity
        @Nullable var file: String?
        @Nullable var line: Int?
        @Nullable var key: String?
        var message: String
        var remedy: String

        init(_ finding: SettingsFinding) {
            (id, severity) = (finding.id.rawValue, finding.severity)
            (file, line, key) = (finding.file, finding.line, finding.key)
            (message, remedy) = (finding.message, finding.remedy)
        }

        /// Place, message and remedy in one line.
        var text: String {
            SettingsFinding.text(file: file, line: line, message: message, remedy: remedy).escapedForTerminal()
        }
    }

    private enum CodingKeys: String, CodingKey {
        case file
        case items = "findings"
        case problems
    }

    @Nullable var file: String?
    var items: [Item]
    /// How many of the findings are to be fixed.
    var problems: Int

    init(file: String?, findings: [SettingsFinding]) {
        self.file = file
        items = findings.map(Item.init)
        problems = findings.count { $0.severity != .note }
    }

    func text(style: TextStyle) -> String {
        let lines = items.map { item in
            let mark =
                switch item.severity {
                case .error: style.apply(.red, to: "error")
                case .warning: style.apply(.yellow, to: "warning")
                case .note: style.apply(.cyan, to: "note")
                }
            return "\(mark)  \(item.text)\n"
        }
        let name = file?.escapedForTerminal() ?? "the defaults"
        let sum =
            switch problems {
            case 0: style.apply(.green, to: "No problems in \(name).")
            case 1: "1 problem in \(name)."
            default: "\(problems) problems in \(name)."
            }
        return lines.joined() + sum + "\n"
    }
}
