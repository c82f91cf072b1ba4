// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings

extension Manage.Config {
    /// `config unset`: takes one value out of the file.
    struct Unset: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take one setting out of the settings file, so that its default applies.",
            discussion: """
                Comments and everything else stay as they are. A setting that the file does
                not have is left alone.

                Examples:
                  manage config unset SERVER.PORT
                  manage config unset REGISTRATION.MODE
                """
        )

        @Argument(
            help: ArgumentHelp("The setting, such as SERVER.PORT.", valueName: "section.key"), completion: .settings)
        var path: String

        @OptionGroup var common: CommonOptions

        func run() async throws {
            let key = try SettingKey.meant(by: path)
            let file = common.settings.file
            let isRemoved = try file.unset(key)
            let restart = isRemoved ? key.stepToApply : ""
            try output.note(
                isRemoved
                    ? "Removed \(key.path) from \(file.path).\(restart)" : "\(key.path) is not set in \(file.path).")
            if output.isJSON {
                try output.write(RemovalReport(key: key.path, file: file.path, isRemoved: isRemoved))
            }
        }
    }
}

/// What `config unset --json` prints.
struct RemovalReport: CommandReport {
    var key: String
    var file: String
    var isRemoved: Bool

    func text(style: TextStyle) -> String { "" }
}
