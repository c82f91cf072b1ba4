// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Settings

extension Manage.Config {
    /// `config show`: every value with its origin.
    struct Show: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every setting with where it comes from.",
            discussion: """
                Secrets are masked. A dash means that the setting is unset.

                Examples:
                  manage config show
                  manage config show --json
                  PARLEY_SERVER_PORT=9000 manage config show
                """
        )

        @OptionGroup var common: CommonOptions

        func run() async throws {
            try output.write(SettingsReport(try loadSettings()))
        }
    }
}

/// What `config show` prints.
struct SettingsReport: CommandReport {
    struct Value: Encodable {
        private enum CodingKeys: String, CodingKey { case section, key, value, source, restart }

        var setting: ResolvedSetting

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(setting.key.section, forKey: .section)
            try container.encode(setting.key.name, forKey: .key)
            try container.encode(setting.text, forKey: .value)
            try container.encode(Source(setting.source), forKey: .source)
            try container.encode(setting.key.needsRestart, forKey: .restart)
        }
    }

    struct Source: Encodable {
        var kind: String
        var variable: String?
        var file: String?
        var line: Int?

        init(_ source: ResolvedSetting.Source) {
            switch source {
            case .commandLine: kind = "command-line"
            case .environment(let name): (kind, variable) = ("environment", name)
            case .file(let path, let number): (kind, file, line) = ("file", path, number)
            case .standard: kind = "default"
            }
        }
    }

    @Nullable var file: String?
    var settings: [Value]

    init(_ loaded: Settings) {
        file = loaded.file
        settings = loaded.values().map { Value(setting: $0) }
    }

    func text(style: TextStyle) -> String {
        var table = TableText(headings: ["SETTING", "VALUE", "SOURCE"])
        for value in settings {
            table.add([value.setting.key.path, value.setting.text ?? "-", value.setting.source.description])
        }
        return table.text(style: style)
    }
}
