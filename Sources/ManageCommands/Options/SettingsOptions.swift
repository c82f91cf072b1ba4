// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings

/// Which settings a command uses: `--config`, which may also stand before the subcommand.
struct SettingsOptions: ParsableArguments {
    /// The path that was given after the subcommand.
    @Option(
        name: [.customLong("config"), .customShort("c")],
        help: ArgumentHelp(
            "The settings file. (default: the one PARLEY_CONFIG names, or config.ini in the current folder)",
            valueName: "path"
        ),
        completion: .file(extensions: ["ini"])
    )
    var config: String?

    /// The file that the command uses; it need not exist.
    var file: SettingsFile {
        let context = CommandContext.current
        return SettingsFile.chosen(
            option: config ?? context.leadingConfig, environment: context.environment,
            currentFolder: context.currentFolder
        )
    }

    /// Loads the settings.
    ///
    /// Without a file the defaults apply, and a note on stderr says so.
    ///
    /// - Throws: `SettingsError`, which ends the command with 78.
    func load(overrides: [SettingKey: String] = [:], output: OutputOptions) throws -> Settings {
        let context = CommandContext.current
        let settings = try Settings.load(
            file: config ?? context.leadingConfig, environment: context.environment, overrides: overrides,
            currentFolder: context.currentFolder
        )
        if let note = settings.note { try output.note(note) }
        return settings
    }

    /// Examines the settings without stopping at what is wrong.
    func examine() -> (settings: Settings?, findings: [SettingsFinding]) {
        let context = CommandContext.current
        return Settings.examine(
            file: config ?? context.leadingConfig, environment: context.environment,
            currentFolder: context.currentFolder
        )
    }
}
