// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings
import Storage

extension Manage.Config {
    /// `config restore`: puts the defaults back.
    struct Restore: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put the defaults back, keeping a dated copy of the settings file.",
            discussion: """
                Examples:
                  manage config restore
                  manage config restore --yes --config /etc/parley/config.ini
                """
        )

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
            try confirmation.require("Put the defaults in place of the settings in '\(file.path)'?")
            let backup = try file.backUp(suffix: Self.date(CommandContext.current.now()))
            try file.write(Array(SettingsDocumentation.exampleFile().utf8))
            try output.write(WrittenFileReport(file: file.path, backup: backup))
        }

        /// `20260131-235959`, in UTC.
        private static func date(_ seconds: Int) -> String {
            let date = UTCDate(milliseconds: Int64(seconds) * 1000)
            return "\(date.day)-\(date.time)".replacing("-", with: "", maxReplacements: 2).replacing(":", with: "")
        }
    }
}
