// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Settings

extension Manage {
    /// `reload`: lets the running server read its settings again.
    struct Reload: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let the running server read its settings again.",
            discussion: """
                Says of each key that has changed whether it is applied or needs a restart.
                Settings with a mistake are refused (status 78), and the old ones stay in
                force. Certificate, templates and log files are opened again in any case.
                Connections stay open. SIGHUP does the same; the log tells what came of it.
                docs/configuration.md says which keys need a restart.

                Examples:
                  manage reload
                  manage reload --json | jq '.changes[] | select(.outcome == "restart")'
                """
        )

        @OptionGroup var common: OperationOptions

        func run() async throws {
            let report = try await common.runner().onServer(ReloadServer())
            try output.write(report)
            if !report.isApplied { throw ExitCode(CommandStatus.settings.rawValue) }
        }
    }
}

extension ReloadServer.Report: CommandReport {
    func text(style: TextStyle) -> String {
        var fields = FieldsText()
        for change in changes {
            let value = change.value ?? "unset"
            switch change.outcome {
            case .applied: fields.add(change.key, "applied: \(value)")
            case .restart: fields.add(change.key, "needs a restart: \(value)")
            case .unused: fields.add(change.key, "has no effect")
            case .refused: fields.add(change.key, "refused: \(change.reason ?? "")")
            }
        }
        let list = fields.text(style: style)
        guard isApplied else {
            let others = changes.isEmpty ? reasons.map { $0.escapedForTerminal() + "\n" }.joined() : ""
            return list + others + "The settings were refused; the old ones stay in force.\n"
        }
        return (list.isEmpty ? "No setting has changed.\n" : list)
            + "Read again: \(reopened.joined(separator: ", ")).\n"
    }
}

extension OperationRunner {
    /// Runs an operation that only a running server can do.
    func onServer<Operation: AdminOperation>(_ operation: Operation) async throws -> Operation.Report {
        guard let report = try await withServer({ try await $0.run(operation) }) else { throw noServer }
        return report
    }

    /// No server answers on the admin socket.
    var noServer: CommandError {
        CommandError(
            .unavailable, "No server answers on the admin socket '\(settings?.admin.socket ?? "")'.",
            nextStep: "Start one with 'manage runserver'.")
    }
}
