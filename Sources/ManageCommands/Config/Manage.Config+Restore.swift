// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Settings

extension Manage.Config {
    /// `config restore`: puts the defaults back.
    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "restore",
            abstract: "Put the defaults back, keeping a dated copy of the settings file.",
            discussion: """
                Examples:
                  manage config restore
                  manage config restore --yes --config /etc/parley/config.ini
                """
        )

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Confirmation Options") var confirmation: ConfirmationOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func run() async throws {
            let file = settings.file
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
            var time = time_t(seconds)
            var parts = tm()
            gmtime_r(&time, &parts)
            func digits(_ number: Int32, _ count: Int = 2) -> String {
                let text = String(number)
                return String(repeating: "0", count: max(0, count - text.count)) + text
            }
            let day = digits(parts.tm_year + 1900, 4) + digits(parts.tm_mon + 1) + digits(parts.tm_mday)
            return "\(day)-\(digits(parts.tm_hour))\(digits(parts.tm_min))\(digits(parts.tm_sec))"
        }
    }
}
