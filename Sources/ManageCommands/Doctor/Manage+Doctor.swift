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

                --bundle writes all of it into a tar.gz for a person who is to help: what was
                found, the settings with secrets masked, the state of the database, metrics,
                and the ends of the log, at most 2 MB. No password, key, token or message is
                in it, but logins and addresses are where the log has them: look at it before
                you send it. The file is readable by its owner only; one that exists is not
                overwritten. Ends with 0 then, whatever was found.

                --read shows such a file on any machine, without settings or a server: what
                was found there, the version, the system, which settings have a value of
                their own, the database, the servers, and the last warnings and errors of
                the log. Ends with 3 if something was to be fixed; with 1 if the file is no
                whole bundle. With --json the summary is in 'bundle'.

                Examples:
                  manage doctor
                  manage doctor --json --config /etc/parley/config.ini
                  manage doctor --bundle support.tar.gz
                  manage doctor --read support.tar.gz
                """
        )

        @Option(
            name: .customLong("bundle"),
            help: ArgumentHelp("Write a support bundle into this file.", valueName: "file"),
            completion: .file())
        var bundle: String?

        @Option(
            name: .customLong("read"),
            help: ArgumentHelp("Show what a support bundle holds; check nothing here.", valueName: "file"),
            completion: .file())
        var readFile: String?

        @OptionGroup var waiting: TimeoutOptions
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if bundle != nil, readFile != nil { throw ValidationError("Please give either --bundle or --read.") }
        }

        func run() async throws {
            if let readFile {
                let path = SettingsFile.absolute(readFile, folder: CommandContext.current.currentFolder)
                let report = try SupportBundle.read(path)
                try output.write(report)
                return try report.doctor.endWithFindings()
            }
            let (loaded, findings) = common.settings.examine()
            if let note = loaded?.note { try output.note(note) }
            let report = DoctorReport(
                file: loaded.map(\.file) ?? common.settings.file.path, checks: await checks(loaded, findings))
            if let bundle { return try await write(report, loaded, to: bundle) }
            try output.write(report)
            try report.endWithFindings()
        }

        private func write(_ report: DoctorReport, _ settings: Settings?, to name: String) async throws {
            let path = SettingsFile.absolute(name, folder: CommandContext.current.currentFolder)
            var bundle = SupportBundle(timeout: waiting.duration)
            await bundle.collect(report, settings)
            try await bundle.write(to: path)
            try output.write(
                SupportBundleReport(
                    file: path, members: bundle.members, missing: bundle.missing, problems: report.problems))
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

extension DoctorReport {
    /// Ends the command with 3 when there is something to fix.
    fileprivate func endWithFindings() throws {
        if problems > 0 { throw ExitCode(CommandStatus.findings.rawValue) }
    }
}
