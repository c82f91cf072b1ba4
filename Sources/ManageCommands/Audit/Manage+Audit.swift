// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage {
    /// `audit`: what administrators did.
    struct Audit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what administrators did, and check that nothing was removed from it.",
            discussion: """
                Every operation that changes something is recorded with who ran it, from where,
                on whom and how it ended, in the same transaction as the change; refusals, too.
                Each record holds a hash of the one before.

                Examples:
                  manage audit list
                  manage audit list --since 7d --who alice --what user.delete
                  manage audit verify
                """,
            subcommands: [List.self, Verify.self]
        )
    }
}

extension Manage.Audit {
    /// `audit list`: the records, newest first.
    struct List: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what administrators did, newest first.",
            discussion: """
                To continue, give --after the number that the command printed.

                Examples:
                  manage audit list --limit 20
                  manage audit list --since 2026-01-31 --what user
                  manage audit list --who alice --json
                """
        )

        @Option(help: ArgumentHelp("Only from this time on: \(PointInTime.form).", valueName: "time"))
        var since: PointInTime?

        @Option(
            help: ArgumentHelp(
                "Only what this administrator, or user of the operating system, did.", valueName: "name"))
        var who: String?

        @Option(
            help: ArgumentHelp(
                "Only this operation, such as user.delete, or those of a kind, such as user.", valueName: "operation"))
        var what: String?

        @OptionGroup(title: "List Options") var list: ListOptions
        @OptionGroup var common: OperationOptions

        func run() async throws {
            let runner = try common.runner()
            let since = since?.seconds(now: CommandContext.current.now())
            try await list.write(
                "records", headings: AuditReport.headings, output: output, runner: runner, cells: \.cells,
                operation: { ListAudit(range: $0, since: since, who: who, what: what) })
        }
    }

    /// `audit verify`: whether the records are as they were written.
    struct Verify: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that no record of the audit was changed or removed.",
            discussion: """
                Ends with 3 and names the first record that is wrong. Prints the number and the
                hash of the last one that is right: kept elsewhere, they also show whether the
                whole audit was written anew.

                Examples:
                  manage audit verify
                  manage audit verify --json
                """
        )

        @OptionGroup var common: OperationOptions

        func run() async throws {
            let runner = try common.runner()
            let bar = ProgressBar(context: .current, isQuiet: output.isQuiet)
            defer { bar.finish() }
            let report = try await runner.run(VerifyAudit()) { bar.show($0) }
            bar.finish()
            try output.write(report)
            if report.finding != nil { throw ExitCode(CommandStatus.findings.rawValue) }
        }
    }
}

extension AuditReport {
    static let headings = ["NUMBER", "TIME", "WHO", "FROM", "WHAT", "ON", "RESULT"]

    var cells: [String] {
        [
            "\(number)", time.minuteOfTime, who, address.map { "\(face) \($0)" } ?? face, what, target ?? "–",
            refusal ?? result.rawValue,
        ]
    }
}

extension VerifyAudit.Report: CommandReport {
    func text(style: TextStyle) -> String {
        let right =
            "\(Int(records).counted("record")) in order\(records > 0 ? ", the last one with the hash \(hash)" : "").\n"
        guard let finding else { return right }
        let what =
            switch finding.kind {
            case .changed: "was changed"
            case .missing: "is missing"
            case .unlinked: "does not follow the one before it, or is not where the audit ended"
            case .added: "was not written by the server"
            }
        return "Record \(finding.number) \(what).\n" + right
    }
}
