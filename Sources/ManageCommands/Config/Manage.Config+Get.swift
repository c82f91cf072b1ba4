// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings

extension Manage.Config {
    /// `config get`: one value.
    struct Get: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the value of one setting.",
            discussion: """
                Prints nothing but the value, and nothing at all for a setting that is
                unset. Secrets are masked. With --json also where the value comes from.

                Examples:
                  manage config get SERVER.PORT
                  manage config get DATABASE.URI --json
                """
        )

        @Argument(
            help: ArgumentHelp("The setting, such as SERVER.PORT.", valueName: "section.key"), completion: .settings)
        var path: String

        @OptionGroup var common: CommonOptions

        func run() async throws {
            let key = try SettingKey.meant(by: path)
            let loaded = try loadSettings()
            guard let setting = loaded.values().first(where: { $0.key == key }) else { return }
            try output.write(SettingReport(value: SettingsReport.Value(setting: setting)))
        }
    }
}

/// What `config get` prints.
struct SettingReport: CommandReport {
    var value: SettingsReport.Value

    func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }

    func text(style: TextStyle) -> String {
        value.setting.text.map { $0.escapedForTerminal() + "\n" } ?? ""
    }
}

extension CompletionKind {
    /// The keys of the settings.
    static var settings: CompletionKind { .list(SettingKey.all.map(\.path)) }
}

extension SettingKey {
    /// The key that is written as `SECTION.KEY`.
    ///
    /// - Throws: `CommandError` with the one that was probably meant.
    static func meant(by path: String) throws(CommandError) -> SettingKey {
        if let key = named(path) { return key }
        let ofOtherSection = all.first { key in
            path.uppercased().hasSuffix(".\(key.name)") || path.uppercased() == key.name
        }
        let meant = SpellingSuggestion.nearest(to: path, among: all.map(\.path)) ?? ofOtherSection?.path
        throw CommandError(
            .usage, "There is no setting '\(path)'.",
            nextStep: meant.map { "Did you mean \($0)?" } ?? "List the settings with 'manage config show'.")
    }
}
