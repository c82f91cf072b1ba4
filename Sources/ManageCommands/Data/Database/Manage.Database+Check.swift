// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Database {
    /// `db check`: compares what is stored with what must be true of it.
    struct Check: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that what is stored fits together.",
            discussion: """
                Numbering without gaps, counts, what belongs to nothing, attachments against
                their SHA-256, the search index, and the engine's own check. Reads everything,
                beside a running server or without one. Ends with status 3 when a problem is
                left. Numbers that have gaps and attachments that changed are not fixed by
                --fix: restore a backup.

                Examples:
                  manage db check
                  manage db check --fix
                  manage db check --json
                """
        )

        @Flag(name: .customLong("fix"), help: "Fix what can be fixed.")
        var fixes = false

        @OptionGroup var common: OperationOptions

        func run() async throws {
            let report = try await common.runner().run(CheckDatabase(fix: fixes))
            try output.write(report)
            if report.remaining > 0 { throw ExitCode(CommandStatus.findings.rawValue) }
        }
    }
}

extension CheckDatabase.Report: CommandReport {
    func text(style: TextStyle) -> String {
        var text = ""
        for problem in problems {
            let hint = problem.isFixed ? "Fixed" : problem.isFixable ? "Can be fixed with --fix" : "Cannot be fixed"
            let sentence = problem.problem.escapedForTerminal()
            text += "\(problem.name): \(sentence) (\(problem.rows.counted("row"))) \(hint).\n"
        }
        let fixed = problems.count - remaining
        if problems.isEmpty { return "No problems.\n" }
        return text + "\(remaining.counted("problem")) left\(fixed > 0 ? ", \(fixed) fixed" : "").\n"
    }
}
