// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// A page of `manage help` that belongs to no command.
enum HelpTopic: String, CaseIterable, ExpressibleByArgument {
    case exitCodes = "exit-codes"
    case settings

    var page: String {
        switch self {
        case .exitCodes:
            """
            Exit codes of manage

            \(CommandStatus.allCases.map(Self.line).joined(separator: "\n"))

            Results go to standard output, everything else to standard error.

            Example:
              manage config check --quiet || echo "ended with $?"

            """
        case .settings:
            """
            Settings of manage

            Of each setting the first that is given applies:

              1. an option on the command line, such as --port;
              2. the environment variable PARLEY_SECTION_KEY, such as PARLEY_SERVER_PORT;
              3. the settings file;
              4. the default.

            The settings file is the one that --config PATH names (before or after the
            subcommand), otherwise the one that PARLEY_CONFIG names, otherwise config.ini
            in the current folder. Without a file the defaults apply.

              manage config init              write a file in which everything is explained
              manage config show              print every value with where it comes from
              manage config set SERVER.PORT 9000
              manage config check             look for mistakes

            """
        }
    }

    private static func line(_ status: CommandStatus) -> String {
        let number = "\(status.rawValue)"
        return "  \(String(repeating: " ", count: 3 - number.count))\(number)  \(status.meaning)"
    }
}

extension Manage {
    /// What `manage help TOPIC` runs.
    struct Topic: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "help-topic",
            abstract: "Show a page of help that belongs to no command.",
            discussion: """
                Examples:
                  manage help exit-codes
                  manage help settings
                """,
            shouldDisplay: false
        )

        @Argument(help: "The page.")
        var topic: HelpTopic

        func run() async throws {
            try CommandContext.current.standardOutput.write(topic.page)
        }
    }
}
