// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Settings {
    /// Puts the settings together: overrides, then environment, then file, then defaults.
    ///
    /// - Parameters:
    ///   - file: The path that `--config` gave; without it `PARLEY_CONFIG` or `config.ini` in the current folder
    ///     counts.
    ///   - environment: The variables of the process.
    ///   - overrides: Values of command-line options. Relative paths among them count from the current folder.
    ///   - currentFolder: An absolute path; the process's current folder by default.
    /// - Returns: The settings, with `note` when there is no file and `findings` for what is odd.
    /// - Throws: `SettingsError` when the chosen file is missing or unreadable or a value is wrong.
    package static func load(
        file: String? = nil, environment: [String: String], overrides: [SettingKey: String] = [:],
        currentFolder: String = SettingsFile.currentFolder()
    ) throws(SettingsError) -> Settings {
        var loader = try loader(
            file: file, environment: environment, overrides: overrides, currentFolder: currentFolder
        )
        let (settings, findings) = loader.load()
        guard let settings else { throw SettingsError(.values, findings.filter { $0.severity == .error }) }
        return settings
    }

    /// Looks at the settings as `load(file:environment:overrides:currentFolder:)` does, but gathers everything that is
    /// wrong or odd instead of stopping.
    ///
    /// - Returns: The settings if they can be loaded, and all findings.
    package static func examine(
        file: String? = nil, environment: [String: String], overrides: [SettingKey: String] = [:],
        currentFolder: String = SettingsFile.currentFolder()
    ) -> (settings: Settings?, findings: [SettingsFinding]) {
        do {
            var loader = try loader(
                file: file, environment: environment, overrides: overrides, currentFolder: currentFolder
            )
            return loader.load()
        } catch {
            return (nil, error.findings)
        }
    }

    private static func loader(
        file: String?, environment: [String: String], overrides: [SettingKey: String], currentFolder: String
    ) throws(SettingsError) -> SettingsLoader {
        let chosen = SettingsFile.chosen(option: file, environment: environment, currentFolder: currentFolder)
        let document = try chosen.document()
        if document == nil, chosen.choice != .currentFolder { throw chosen.missing() }
        return SettingsLoader(
            file: chosen, document: document, environment: environment, overrides: overrides,
            currentFolder: currentFolder
        )
    }
}
