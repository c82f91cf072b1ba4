// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage {
    /// `import`: takes over what other servers have kept.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take over accounts, flows and messages of another server.",
            discussion: """
                Reads the other server's database and never writes to it. Works on a running
                server and without one. What was taken before is found again, so a second run
                takes only what is new. Ends with 5 when something was skipped; the report
                says what and why.

                Examples:
                  manage import morelia morelia.db --dry-run
                  manage import messenger messenger.db
                  manage import csv users.csv
                """,
            subcommands: [Morelia.self, Messenger.self, FastChat.self, CSV.self]
        )
    }
}

/// The options of an import from a database.
struct ImportOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The other server's database: an SQLite file, or postgres://USER@HOST/NAME with the password in ~/.pgpass. "
                + "'-' reads the address from standard input.", valueName: "source"),
        completion: .file())
    var source: String

    @Flag(name: [.customLong("dry-run"), .customShort("n")], help: "Write nothing; say what would be taken.")
    var isDryRun = false
}

extension Manage.Import {
    /// The command `import morelia`.
    struct Morelia: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take over a MoreliaTalk server: accounts, flows, messages.",
            discussion: """
                Passwords go on to work and are stored better at each account's next login.
                Messages keep their times, uuids and files. Administrators are listed only:
                their passwords cannot be checked here.

                Examples:
                  manage import morelia morelia.db --dry-run
                  manage import morelia morelia.db
                """
        )

        @OptionGroup var options: ImportOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await ImportRun.run(options, "morelia", self) { MoreliaSource(database: $0) }
        }
    }

    /// The command `import messenger`.
    struct Messenger: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take over a MessengerServer: accounts and contacts.",
            discussion: """
                The other server keeps passwords in clear; they are hashed here.

                Examples:
                  manage import messenger messenger.db --dry-run
                  manage import messenger messenger.db
                """
        )

        @OptionGroup var options: ImportOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await ImportRun.run(options, "messenger", self) { MessengerSource(database: $0) }
        }
    }

    /// The command `import fastchat`.
    struct FastChat: CommonCommand {
        static let configuration = CommandConfiguration(
            commandName: "fastchat",
            abstract: "Take over a FastChat server: accounts, keys, groups, messages that wait.",
            discussion: """
                Numbers of accounts and, where they are free here, of groups stay what they
                were. Messages that wait for an account stay encrypted for it. The address is
                postgres://USER@HOST/NAME; '-' reads it from standard input.

                Examples:
                  manage import fastchat - < fastchat-address.txt
                """
        )

        @OptionGroup var options: ImportOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await ImportRun.run(options, "fastchat", self) { FastChatSource(database: $0) }
        }
    }

    /// The command `import csv`.
    struct CSV: CommonCommand {
        static let configuration = CommandConfiguration(
            commandName: "csv",
            abstract: "Create accounts from a table.",
            discussion: """
                The first line names the columns: login, and any of password, username,
                email, bot. Commas separate, quotation marks hold what contains a comma.
                An account without a password gets one with 'manage user set-password'.

                Examples:
                  manage import csv users.csv --dry-run
                  manage import csv - < users.csv
                """
        )

        @Argument(
            help: ArgumentHelp("The table; '-' reads it from standard input.", valueName: "file"), completion: .file())
        var file: String

        @Flag(name: [.customLong("dry-run"), .customShort("n")], help: "Write nothing; say what would be taken.")
        var isDryRun = false

        @OptionGroup var common: CommonOptions

        func run() async throws {
            let users = try CSVUsers(try CSVUsers.read(file)).users
            try await ImportRun.run("csv", isDryRun: isDryRun, self, CSVSource(users: users))
        }
    }
}
