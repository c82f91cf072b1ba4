// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings

extension Manage.Config {
    /// `config set`: changes one value in the file.
    struct Set: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change one setting in the settings file.",
            discussion: """
                Comments and order stay as they are. When there is no file, one is
                written first. Secrets are not taken from the command line, which every
                user of the machine can read, but from standard input; on a terminal
                --value-stdin asks for the value. The password of PostgreSQL may also stand
                in the file ~/.pgpass, or one that PGPASSFILE names.

                Examples:
                  manage config set SERVER.PORT 9000
                  manage config set REGISTRATION.MODE open
                  manage config set ADMIN.SECRET_KEY --value-stdin < secret.txt
                  manage config set DATABASE.URI postgres://parley@localhost/parley
                """
        )

        private static let maximumBytes = 65536

        @Argument(
            help: ArgumentHelp("The setting, such as SERVER.PORT.", valueName: "section.key"),
            completion: .settings
        )
        var path: String

        @Argument(help: "The new value. An empty one unsets a setting that has no default.")
        var value: String?

        @Flag(name: .customLong("value-stdin"), help: "Read the value from standard input, or ask for it.")
        var isValueOnStandardInput = false

        @OptionGroup var common: CommonOptions

        func validate() throws {
            if (value == nil) != isValueOnStandardInput {
                throw ValidationError("Please give either a value or --value-stdin.")
            }
        }

        func run() async throws {
            let key = try SettingKey.meant(by: path)
            let text = try newText(for: key)
            let file = common.settings.file
            let change: SettingsFile.Change
            do {
                change = try file.set(key, to: text)
            } catch let error as INIError {
                throw CommandError(.usage, "\(key.path) cannot be set: \(error.message).")
            }
            try tell(key, file: file, isNew: change.isNew)
            if output.isJSON {
                try output.write(ChangeReport(key: key.path, file: file.path, line: change.line, created: change.isNew))
            }
        }

        private func newText(for key: SettingKey) throws -> String {
            let text = try value ?? givenText(for: key)
            if value != nil, key.isSecret, !text.isEmpty { throw Self.refusal(of: key) }
            let parsed: SettingValue?
            do {
                parsed = try key.value(of: text, folder: common.settings.file.folder)
            } catch {
                let shown = key.mayHoldSecret ? "The value" : text.quotedForDisplay()
                throw CommandError(.usage, "\(shown) \(error.problem).", nextStep: error.remedy)
            }
            if value != nil, case .database(.postgres(let location)) = parsed, location.holdsSecret {
                throw Self.refusal(of: key)
            }
            return text
        }

        /// What stands on standard input; on a terminal it is asked for.
        private func givenText(for key: SettingKey) throws(CommandError) -> String {
            let terminal = CommandContext.current.terminal
            if terminal.isInteractive { return try terminal.password(prompt: "New value of \(key.path) (not shown)") }
            return Self.line(try terminal.readAll(maximumBytes: Self.maximumBytes))
        }

        private static func refusal(of key: SettingKey) -> CommandError {
            let other =
                key.kind == .databaseURI ? ", or leave the password out of it and put it into the file ~/.pgpass" : ""
            return CommandError(
                .usage, "The value of \(key.path) is secret and must not stand on the command line.",
                nextStep:
                    "Give it with --value-stdin\(other). It was visible on the command line: change it."
            )
        }

        private static func line(_ text: String) -> String {
            text.hasSuffix("\r\n") || text.hasSuffix("\n") ? String(text.dropLast()) : text
        }

        private func tell(_ key: SettingKey, file: SettingsFile, isNew: Bool) throws {
            if isNew { try output.note("Wrote a new settings file to \(file.path).") }
            let restart = key.stepToApply
            try output.note("Set \(key.path) in \(file.path).\(restart)")
            let environment = CommandContext.current.environment
            if let name = key.variables(in: environment).first {
                try output.warn("The environment variable \(name) is set and goes before the file.")
            }
            for finding in common.settings.examine().findings where finding.severity == .error {
                try output.warn(finding.description)
            }
        }
    }
}

extension SettingKey {
    /// How a changed value gets into force, after a blank; empty for one that has no effect.
    var stepToApply: String {
        switch reload {
        case .applied: " 'manage reload' lets a running server apply it."
        case .restart: " Restart the server to apply it."
        case .unused: ""
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
