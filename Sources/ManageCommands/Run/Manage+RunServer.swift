// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ParleyServer
import Settings

extension Manage {
    /// `runserver`: serves until it is told to stop.
    struct RunServer: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "runserver",
            abstract: "Run the server until it is told to stop.",
            discussion: """
                Creates an SQLite database that is missing and brings an old one up to
                date. SIGTERM and Ctrl-C let requests finish and end within 10 seconds
                with status 0; a second one ends at once. When there is no settings file
                in the current folder, one with the defaults is written.

                Listens on the sockets that systemd passes, by their FileDescriptorName:
                server, messenger, fastchat, balancer, metrics. Their addresses go before
                --host, --port and the settings. docs/operations.md has the units.

                Examples:
                  manage runserver
                  manage runserver --host 0.0.0.0 --port 9000 --log-level debug
                  manage runserver --ssl-keyfile key.pem --ssl-certfile chain.pem
                  manage runserver --reload --use-colors false
                  manage runserver --read-only
                """
        )

        @OptionGroup(title: "Server Options") var options: RunOptions
        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions

        func run() async throws {
            let output = try OutputOptions.parse([])
            for note in options.notes { try output.warn(note) }
            let sockets = try PassedSockets(takingFrom: CommandContext.current.environment)
            // The data of another user is refused before anything is written or announced.
            if let known = settings.examine().settings { try StoreAccess(settings: known).checkIsAllowed() }
            try writeMissingFile(output)
            let overrides = try overrides(with: sockets, output)
            let loaded = try settings.load(overrides: overrides, output: output)
            try sockets.checkServed(by: loaded)
            let findings = loaded.findings + SettingsSurroundings(settings: loaded).templateFindings()
            for finding in findings where finding.severity != .note { try output.warn(finding.description) }
            try await ServerRunner.run(
                settings: loaded, file: settings.file, options: options, sockets: sockets, context: .current
            ) { [settings] in
                try settings.load(overrides: overrides, output: try OutputOptions.parse(["--quiet"]))
            }
        }

        /// What goes before the settings: options of the command line, and before them the addresses of passed sockets.
        private func overrides(with sockets: PassedSockets, _ output: OutputOptions) throws -> [SettingKey: String] {
            guard !sockets.names.isEmpty else { return options.overrides }
            let written = try settings.load(overrides: options.overrides, output: try OutputOptions.parse(["--quiet"]))
            let (values, warnings) = sockets.overrides(of: written)
            for warning in warnings { try output.warn(warning) }
            return options.overrides.merging(values) { $1 }
        }

        /// A first start leaves a file to change; where none can be written the defaults do.
        private func writeMissingFile(_ output: OutputOptions) throws {
            let file = settings.file
            guard file.choice == .currentFolder, !file.exists else { return }
            do {
                try file.write(Array(SettingsDocumentation.exampleFile().utf8))
                try output.note("Wrote the settings file \(file.path), in which every setting is explained.")
            } catch let error as SettingsError {
                try output.warn("\(error.description) The server starts with the defaults.")
            }
        }
    }
}
