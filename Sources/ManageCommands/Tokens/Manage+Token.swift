// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage {
    /// `token`: with what programs use the HTTP API.
    struct Token: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create, list and revoke tokens with which programs use the HTTP API.",
            discussion: """
                A token acts for an administrator until it expires or is revoked; it ends with
                the administrator. A new password does not end it.

                Examples:
                  manage token create backup --superuser admin --scope read --expires 90d
                  manage token list
                  manage token revoke backup
                """,
            subcommands: [Create.self, List.self, Revoke.self]
        )
    }
}

extension OperationActor.Scope: ExpressibleByArgument {}

extension Manage.Token {
    /// `token create`: a new token.
    struct Create: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a token, which is shown this once.",
            discussion: """
                The database keeps only a hash of it. Programs send it in the header
                'Authorization: Bearer TOKEN'.

                Examples:
                  manage token create backup --superuser admin
                  manage token create signup --superuser admin --scope write --expires 30d
                  manage token create signup --superuser admin --scope write --json
                """
        )

        @Argument(help: "What it is to be called.")
        var name: String

        @Option(help: ArgumentHelp("The administrator for whom it acts.", valueName: "name"))
        var superuser: String

        @Option(help: "What it may do: look, or also change.")
        var scope = OperationActor.Scope.read

        @Option(
            help: ArgumentHelp(
                "For how long it is valid: a number and s, m, h, d or w. (default: 90d)", valueName: "time"),
            transform: LifetimeWord.parse)
        var expires: LifetimeWord?

        @OptionGroup var common: CommonOptions

        func operation() -> CreateToken {
            var operation = CreateToken(name: name, superuser: superuser, scope: scope)
            if let expires { operation.seconds = expires.seconds }
            return operation
        }
    }

    /// `token list`: names, administrators and ends.
    struct List: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the tokens, newest first; not the secrets themselves.",
            discussion: """
                Examples:
                  manage token list
                  manage token list --json
                """
        )

        @OptionGroup var common: OperationOptions

        func run() async throws {
            let report = try await common.runner().run(ListTokens())
            try output.write(report)
            if report.isCut, !output.isJSON { try output.note("There are more; these are the newest.") }
        }
    }

    /// `token revoke`: one token less.
    struct Revoke: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke a token: it opens nothing from now on.",
            discussion: """
                Examples:
                  manage token revoke backup
                  manage token revoke backup --json
                """
        )

        @Argument(help: "What it is called.")
        var name: String

        @OptionGroup var common: CommonOptions

        func operation() -> RevokeToken { RevokeToken(name: name) }

        func report(_ token: TokenReport) -> RevokedTokenReport { RevokedTokenReport(token: token) }
    }
}

extension CreateToken.Report: CommandReport {
    func text(style: TextStyle) -> String {
        var fields = FieldsText()
        fields.add("Token", secret.clearText)
        fields.add("Name", token.name)
        fields.add("Superuser", token.superuser)
        fields.add("Scope", token.scope.rawValue)
        fields.add("Expires", token.expires)
        return fields.text(style: style)
    }
}

extension ListTokens.Report: CommandReport {
    func text(style: TextStyle) -> String {
        var table = TableText(headings: ["NAME", "SUPERUSER", "SCOPE", "STATUS", "EXPIRES", "LAST USED"])
        for token in tokens {
            table.add([
                token.name, token.superuser, token.scope.rawValue, token.status.rawValue, token.expires.minuteOfTime,
                token.lastUsed?.minuteOfTime ?? "never",
            ])
        }
        return table.text(style: style)
    }
}

/// A token that is revoked now.
struct RevokedTokenReport: CommandReport {
    var token: TokenReport

    func text(style: TextStyle) -> String {
        "Revoked '\(token.name.escapedForTerminal(lineBreaks: false))' of "
            + "'\(token.superuser.escapedForTerminal(lineBreaks: false))'.\n"
    }
}
