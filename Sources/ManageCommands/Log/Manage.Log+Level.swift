// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Telemetry

extension Manage.Log {
    /// `log level`: shows and changes from which level on the running server logs.
    struct Level: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show or change from which level on the running server logs.",
            discussion: """
                A change is in force at once and until the server ends; that of all modules
                also until a reload of the settings. 'default' takes a module's own level
                away. The levels are trace, debug, info, success, warning, error and
                critical; modules are named as the log shows them.

                Examples:
                  manage log level
                  manage log level debug
                  manage log level Transport debug
                  manage log level Transport.Listener trace
                  manage log level Transport default
                """
        )

        @Argument(help: ArgumentHelp("A module, a level, or both in this order.", valueName: "module-level"))
        var words: [String] = []

        @OptionGroup var common: OperationOptions

        func validate() throws {
            guard words.count <= 2 else { throw ValidationError("Please give a module, a level, or both.") }
            if let parts = words.first?.split(separator: "="), parts.count > 1 {
                let meant = parts.prefix(2).joined(separator: " ").escapedForTerminal(lineBreaks: false)
                throw ValidationError("Please give module and level apart: 'manage log level \(meant)'.")
            }
        }

        func run() async throws {
            let runner = try common.runner()
            // One word is a level if it can be one.
            let isLevel = words.count == 1 && LogLevel(words[0]) != nil
            let module = isLevel ? nil : words.first
            let level = isLevel ? words[0] : words.dropFirst().first
            var report = try await runner.onServer(SetLogLevel(module: module, level: level))
            if let module, level == nil {
                let own = report.modules.first { $0.key == module.lowercased() }?.value
                report = SetLogLevel.Report(level: own ?? report.level, modules: [:])
            }
            try output.write(report)
        }
    }
}

extension SetLogLevel.Report: CommandReport {
    func text(style: TextStyle) -> String {
        guard !modules.isEmpty else { return level.lowercased() + "\n" }
        var fields = FieldsText()
        for (module, level) in modules.sorted(by: { $0.key < $1.key }) { fields.add(module, level.lowercased()) }
        fields.add("all others", level.lowercased())
        return fields.text(style: style)
    }
}
