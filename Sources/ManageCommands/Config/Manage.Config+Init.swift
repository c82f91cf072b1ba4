// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Settings

extension Manage.Config {
    /// `config init`: writes a new file.
    struct Init: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a settings file in which every setting is explained.",
            discussion: """
                Every setting stands in the file as a comment with its default. Only its
                owner can read the file.

                Examples:
                  manage config init
                  manage config init --config /etc/parley/config.ini
                """
        )

        @OptionGroup var common: CommonOptions

        func run() async throws {
            let file = common.settings.file
            if file.exists {
                throw CommandError(
                    .exists, "The settings file '\(file.path)' exists already.",
                    nextStep: "Put the defaults back with 'manage config restore', which keeps a copy of it."
                )
            }
            try file.write(Array(SettingsDocumentation.exampleFile().utf8))
            try output.write(WrittenFileReport(file: file.path, backup: nil))
        }
    }
}

/// What `config init` and `config restore` print.
struct WrittenFileReport: CommandReport {
    var file: String
    /// Where the former content is.
    @Nullable var backup: String?

    func text(style: TextStyle) -> String {
        let former = backup.map { "The former one is now \($0.escapedForTerminal()).\n" } ?? ""
        return "Wrote the settings file \(file.escapedForTerminal()).\n\(former)"
    }
}
