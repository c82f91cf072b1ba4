// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Texts that are made from the table of keys: the example settings file and the page docs/configuration.md.
package enum SettingsDocumentation {
    private static let width = 110

    /// The content of example_config.ini: every key with its documentation, commented out at its default.
    package static func exampleFile() -> String {
        var text = """
            # The settings of a Parley server.
            #
            # Lines with # explain. Take the ; off a line to change its value: 'manage config set SECTION.KEY VALUE'
            # does that, 'manage config check' looks for mistakes, 'manage config show' prints what applies and why.
            # A comment needs a line of its own. Relative paths count from the folder of this file. An environment
            # variable PARLEY_SECTION_KEY goes before the file, an option on the command line before both.

            """
        for section in SettingSection.all {
            let isActive = section.keys.contains { $0.use == .active }
            text += "\n\n\(isActive ? "" : ";")[\(section.name)]\n" + comment(section.summary)
            for key in section.keys {
                text += "\n" + comment(key.summary) + comment(valueSentence(key))
                text += ";\(key.name) =\(key.defaultText.map { " \($0)" } ?? "")\n"
            }
        }
        return text
    }

    /// The content of docs/configuration.md.
    package static func page() -> String {
        var text = """
            # Settings

            <!-- Made from the table of keys in Sources/Settings/Keys; RECORD_SNAPSHOTS=1 Scripts/test writes it. -->

            Every command works without a settings file, on the defaults below. `manage config init` writes a
            `config.ini` in which everything is explained, `manage config set SECTION.KEY VALUE` changes one value and
            keeps comments and order, `manage config check` finds mistakes with their line, and `manage config show`
            prints every value with where it comes from.

            ## Which value applies

            1. an option on the command line, such as `--port`;
            2. the environment variable `PARLEY_SECTION_KEY`, such as `PARLEY_SERVER_PORT`, or `PARLEY_SECTION_KEY_FILE`
               with the path of a file that has the value, such as `PARLEY_DATABASE_URI_FILE`;
            3. the settings file;
            4. the default.

            The settings file is the one that `--config PATH` names (before or after the subcommand), otherwise the one
            that `PARLEY_CONFIG` names, otherwise `config.ini` in the current folder. Relative paths in the file and in
            the environment count from the folder of the settings file, or from the current folder when there is none;
            those on the command line count from the current folder.

            ## How the file is read

            The file is what Python's configparser reads: `KEY = value` or `KEY: value` under a `[SECTION]`; keys
            compare without case, and so do sections. Lines that begin with `#` or `;` are comments; a comment after a
            value is part of the value. A value may stand in single or double quotes, and may go on over further lines
            that are indented more deeply than the key. `%` has no meaning. A key or section that occurs twice is an
            error. Keys under `[DEFAULT]` stand in for missing keys of every other section. The file is UTF-8 and at
            most 1 MiB.

            A file that a variable `…_FILE` names has the value and nothing else, at most 64 KiB; a line break at its
            end does not count. A key that has both variables is an error, and so is a file that cannot be read.
            [operations.md](operations.md#secrets) has an example with systemd.

            An empty value unsets a key that has no default. Secrets never appear in messages or in `config show`.

            ## When a changed value is in force

            `manage reload`, SIGHUP and `systemctl reload` let a running server read its settings again. It says of each
            key that has changed whether the value is applied or needs a restart, as the column "Change" has it.
            Settings with a mistake are refused as a whole, with the reason, and the old ones stay in force.
            Certificate, templates and log files are opened again by every reload, also when no key has changed: so they
            can be renewed and rotated. Connections that are open stay open. Options of the command line and the
            environment are those of the start.

            """
        for section in SettingSection.all {
            text += "\n## `[\(section.name)]`\n\n\(lines(section.summary, start: ""))\n"
            text += "| Key | Default | Value | Change | Meaning |\n|---|---|---|---|---|\n"
            for key in section.keys {
                let names = ([key.name] + key.aliases).map { "`\($0)`" }.joined(separator: ", also ")
                let standard = key.defaultText.map { "`\($0)`" } ?? key.unsetMeaning.map { "unset: \($0)" } ?? "unset"
                text +=
                    "| \(names) | \(standard) | \(key.kind.form) | \(key.reload.rawValue) | "
                    + "\(key.summary)\(key.isSecret ? " Secret." : "") |\n"
            }
        }
        return text
    }

    private static func valueSentence(_ key: SettingKey) -> String {
        let standard = key.defaultText == nil ? "Unset by default\(key.unsetMeaning.map { ": \($0)" } ?? "")." : ""
        let aliases = key.aliases.isEmpty ? "" : " Also spelled \(key.aliases.joined(separator: ", "))."
        return "Value: \(key.kind.form). \(standard)\(aliases)"
    }

    private static func comment(_ sentences: String) -> String { lines(sentences, start: "# ") }

    private static func lines(_ sentences: String, start: String) -> String {
        var lines: [String] = []
        var line = start
        for word in sentences.split(separator: " ") {
            if line.count + 1 + word.count > width, line.count > start.count {
                lines.append(line)
                line = start
            }
            line += (line.count == start.count ? "" : " ") + word
        }
        return (lines + [line]).map { $0 + "\n" }.joined()
    }
}
