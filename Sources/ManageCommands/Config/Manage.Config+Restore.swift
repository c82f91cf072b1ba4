// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings
import Storage

extension Manage.Config {
    /// `config restore`: puts a saved copy or the defaults back.
    struct Restore: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a saved copy or the defaults back, keeping a copy of what there is.",
            discussion: """
                Without a copy the defaults are put back. 'manage config list' shows the
                copies. A running server has to be told: 'manage reload'.

                Examples:
                  manage config restore
                  manage config restore config.ini.20260131-235959 --yes
                  manage config restore --yes --config /etc/parley/config.ini
                """
        )

        @Argument(help: ArgumentHelp("The copy, as 'manage config list' names it.", valueName: "copy"))
        var copy: String?

        @OptionGroup(title: "Confirmation Options") var confirmation: ConfirmationOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let file = common.settings.file
            guard file.exists else {
                throw CommandError(
                    .notFound, "There is no settings file '\(file.path)'.",
                    nextStep: "Write one with 'manage config init'."
                )
            }
            let content = try content(of: file)
            let what = copy.map { "the copy '\($0)'" } ?? "the defaults"
            try confirmation.require("Put \(what) in place of the settings in '\(file.path)'?")
            let backup = try file.backUp(suffix: SettingsCopy.suffix(at: CommandContext.current.now()))
            try file.write(content)
            try output.write(WrittenFileReport(file: file.path, backup: backup))
        }

        private func content(of file: SettingsFile) throws -> [UInt8] {
            guard let copy else { return Array(SettingsDocumentation.exampleFile().utf8) }
            guard try SettingsCopy.all(of: file).contains(where: { $0.name == copy }) else {
                throw CommandError(
                    .notFound, "There is no copy '\(copy)' of '\(file.path)'.",
                    nextStep: "List them with 'manage config list'.")
            }
            let saved = SettingsFile(path: "\(file.folder)/\(copy)", choice: .option)
            guard let document = try saved.document() else { throw saved.missing() }
            return document.bytes
        }
    }
}
