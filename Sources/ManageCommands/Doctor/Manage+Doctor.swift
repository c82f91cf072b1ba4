// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings

extension Manage {
    /// `doctor`: looks for everything that keeps a server from running well.
    struct Doctor: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look for what keeps the server from running well.",
            discussion: """
                Checks the settings, the database and how it keeps commits, the clock, the
                backups, the key file, other servers, the ports, certificates, free space and
                the limit of open files; changes nothing. Every finding says what to do, and
                which section of docs/operations.md says more. Ends with 3 when there is
                something to fix; notes alone are no reason.

                Examples:
                  manage doctor
                  manage doctor --json --config /etc/parley/config.ini
                """
        )

        @OptionGroup var waiting: TimeoutOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let (loaded, findings) = common.settings.examine()
            if let note = loaded?.note { try output.note(note) }
            let report = DoctorReport(
                file: loaded.map(\.file) ?? common.settings.file.path, checks: await checks(loaded, findings))
            try output.write(report)
            if report.problems > 0 { throw ExitCode(CommandStatus.findings.rawValue) }
        }

        private func checks(_ settings: Settings?, _ findings: [SettingsFinding]) async -> [DoctorCheck] {
            guard let settings else {
                return [
                    DoctorCheck(
                        .settings, "The settings are invalid; other checks were skipped.", findings: findings),
                    SystemChecks.openFiles(),
                ]
            }
            let all = findings + SettingsSurroundings(settings: settings).findings()
            let name = settings.file ?? "the defaults"
            let now = CommandContext.current.now
            var checks = [DoctorCheck(.settings, "Read \(name).", findings: all)]
            let database = await DatabaseCheck(settings: settings, now: now).examine()
            checks += database
            checks.append(BackupCheck.examine(settings, now: now()))
            let isUsable = database.contains { $0.name == "database" && $0.isCurrent }
            checks.append(await SecretsCheck(settings: settings).examine(canRead: isUsable))
            if isUsable { checks.append(await ClusterCheck.examine(settings)) }
            checks.append(await PortCheck.examine(settings, timeout: waiting.duration))
            checks.append(CertificateCheck.examine(settings, now: now()))
            checks.append(SystemChecks.disk(settings))
            checks.append(SystemChecks.openFiles())
            return checks
        }
    }
}
