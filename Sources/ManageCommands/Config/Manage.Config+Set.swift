// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings

extension Manage.Config {
    /// `config set`: changes one value in the file.
    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Change one setting in the settings file.",
            discussion: """
                Comments and order stay as they are. When there is no file, one is
                written first. Secrets are not taken from the command line, which every
                user of the machine can read, but from standard input.

                Examples:
                  manage config set SERVER.PORT 9000
                  manage config set REGISTRATION.MODE open
                  manage config set ADMIN.SECRET_KEY --value-stdin < secret.txt
                """
        )

        private static let maximumBytes = 65536

        @Argument(
            help: ArgumentHelp("The setting, such as SERVER.PORT.", valueName: "section.key"),
            completion: .list(SettingKey.all.map(\.path))
        )
        var path: String

        @Argument(help: "The new value. An empty one unsets a setting that has no default.")
        var value: String?

        @Flag(name: .customLong("value-stdin"), help: "Read the value from standard input.")
        var isValueOnStandardInput = false

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
        @OptionGroup(title: "Output Options") var output: OutputOptions

        func validate() throws {
            if (value == nil) != isValueOnStandardInput {
                throw ValidationError("Please give either a value or --value-stdin.")
            }
        }

        func run() async throws {
            let key = try namedKey()
            let text = try newText(for: key)
            let file = settings.file
            var document = try file.document() ?? INIDocument(SettingsDocumentation.exampleFile())
            do {
                try document.set(section: key.section, names: key.names, to: text)
            } catch {
                throw CommandError(.usage, "\(key.path) cannot be set: \(error.message).")
            }
            let isNew = !file.exists
            try file.write(document.bytes)
            try tell(key, file: file, isNew: isNew)
            let line = document.entry(section: key.section, names: key.names)?.line
            if output.isJSON {
                try output.write(ChangeReport(key: key.path, file: file.path, line: line, created: isNew))
            }
        }

        private func namedKey() throws -> SettingKey {
            if let key = SettingKey.named(path) { return key }
            let paths = SettingKey.all.map(\.path)
            let ofOtherSection = SettingKey.all.first {
                path.uppercased().hasSuffix(".\($0.name)") || path.uppercased() == $0.name
            }
            let meant = SpellingSuggestion.nearest(to: path, among: paths) ?? ofOtherSection?.path
            throw CommandError(
                .usage, "There is no setting '\(path)'.",
                nextStep: meant.map { "Did you mean \($0)?" } ?? "List the settings with 'manage config show'."
            )
        }

        private func newText(for key: SettingKey) throws -> String {
            let text = try value ?? Self.line(CommandContext.current.terminal.readAll(maximumBytes: Self.maximumBytes))
            if value != nil, key.isSecret, !text.isEmpty { throw Self.refusal(of: key) }
            if text.isEmpty, key.defaultText == nil { return text }
            let parsed: SettingValue
            do {
                parsed = try key.kind.parse(text, folder: settings.file.folder)
            } catch {
                let shown = key.mayHoldSecret ? "The value" : text.quotedForDisplay()
                throw CommandError(.usage, "\(shown) \(error.problem).", nextStep: error.remedy)
            }
            if value != nil, case .database(.postgres(let location)) = parsed, location.holdsSecret {
                throw Self.refusal(of: key)
            }
            return text
        }

        private static func refusal(of key: SettingKey) -> CommandError {
            CommandError(
                .usage, "The value of \(key.path) is secret and must not stand on the command line.",
                nextStep: "Give it with --value-stdin; change it first if others use this machine."
            )
        }

        private static func line(_ text: String) -> String {
            text.hasSuffix("\r\n") || text.hasSuffix("\n") ? String(text.dropLast()) : text
        }

        private func tell(_ key: SettingKey, file: SettingsFile, isNew: Bool) throws {
            if isNew { try output.note("Wrote a new settings file to \(file.path).") }
            let restart = key.needsRestart ? " A running server takes it up when it starts again." : ""
            try output.note("Set \(key.path) in \(file.path).\(restart)")
            let environment = CommandContext.current.environment
            if let name = key.environmentNames.first(where: { environment[$0] != nil }) {
                try output.warn("The environment variable \(name) is set and goes before the file.")
            }
            for finding in settings.examine().findings where finding.severity == .error {
                try output.warn(finding.description)
            }
        }
    }
}

/// What `config set --json` prints.
struct ChangeReport: CommandReport {
    var key: String
    var file: String
    var line: Int?
    var created: Bool

    func text(style: TextStyle) -> String { "" }
}
