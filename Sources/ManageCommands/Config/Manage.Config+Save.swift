// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Settings

extension Manage.Config {
    /// `config save`: keeps a copy of the file.
    struct Save: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep a dated copy of the settings file beside it.",
            discussion: """
                Only its owner can read the copy, which holds the secrets of the file.
                'manage config restore COPY' puts it back.

                Examples:
                  manage config save
                  manage config save before-upgrade
                """
        )

        @Argument(help: ArgumentHelp("Something to know it by: letters, digits, - and _.", valueName: "name"))
        var name: String?

        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard let name, !SettingsCopy.isLabel(name) else { return }
            throw ValidationError("Please give a name of 1 to 64 letters, digits, - and _.")
        }

        func run() async throws {
            let file = common.settings.file
            let path = try file.backUp(suffix: SettingsCopy.suffix(at: CommandContext.current.now(), label: name))
            try output.write(SavedSettingsReport(file: file.path, copy: path))
        }
    }

    /// `config list`: the copies of the file.
    struct List: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the copies of the settings file, the oldest first.",
            discussion: """
                They are those of 'manage config save' and those that 'manage config restore'
                keeps.

                Examples:
                  manage config list
                  manage config list --json
                """
        )

        @OptionGroup var common: CommonOptions

        func run() async throws {
            try output.write(SettingsCopiesReport(copies: SettingsCopy.all(of: common.settings.file)))
        }
    }
}

/// What `config save` prints.
struct SavedSettingsReport: CommandReport {
    var file: String
    var copy: String

    func text(style: TextStyle) -> String { "Saved the settings to \(copy.escapedForTerminal()).\n" }
}

/// What `config list` prints.
struct SettingsCopiesReport: CommandReport {
    var copies: [SettingsCopy]

    func text(style: TextStyle) -> String {
        var table = TableText(headings: ["NAME", "SAVED", "BYTES"])
        for copy in copies { table.add([copy.name, copy.saved.minuteOfTime, "\(copy.bytes)"]) }
        return table.text(style: style)
    }
}
