// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.User {
    /// `user delete`: removes an account.
    struct Delete: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete an account for good.",
            discussion: """
                Its sessions end at once. What it wrote stays, under the name of a deleted
                user; its login becomes free. With --erase its messages read 'Message
                deleted', and texts and files are gone from the database and the search; a
                file that was sent in the last hour goes an hour after that. An erasure that
                was interrupted continues when the command is run again. Groups that the
                account owned stay, and the audit keeps its login.

                Examples:
                  manage user delete alice
                  manage user delete alice --confirm alice
                  manage user delete alice --erase --dry-run
                """
        )

        @Argument(help: "The account's login.", completion: .logins)
        var login: String

        @Flag(name: .customLong("erase"), help: "Erase what it wrote, too.")
        var erases = false

        @Flag(name: [.customLong("dry-run"), .customShort("n")], help: "Only show what would be erased.")
        var isTrial = false

        @OptionGroup(title: "Confirmation Options") var confirmation: DeletionOptions
        @OptionGroup var common: OperationOptions

        func validate() throws {
            if isTrial, !erases { throw ValidationError("Please give --dry-run only with --erase.") }
        }

        func run() async throws {
            let runner = try common.runner()
            if erases { return try await erase(runner) }
            // An account that does not exist is reported before the question.
            let meant = try await runner.run(ShowUser(login: login)).user
            try confirmation.require("Delete the account '\(meant.login)'?", of: meant.login)
            let user = try await runner.run(DeleteUser(login: login))
            try output.write(ChangedUserReport(user: user, verb: "Deleted"))
        }

        private func erase(_ runner: OperationRunner) async throws {
            let bar = ProgressBar(context: .current, isQuiet: output.isQuiet)
            defer { bar.finish() }
            let plan = try await runner.run(EraseUser(login: login, isTrial: true)) { bar.show($0) }
            bar.finish()
            if isTrial { return try output.write(plan) }
            try confirmation.require("Erase \(plan.sentence)?", of: plan.user.login)
            try output.write(try await runner.run(EraseUser(login: login)) { bar.show($0) })
        }
    }
}

extension EraseUser.Report: CommandReport {
    /// What goes, for a sentence.
    var sentence: String {
        "\(messages.counted("message")) (\(bytes.counted("byte"))) in \(flows.counted("flow")) and the account "
            + "'\(user.login.escapedForTerminal(lineBreaks: false))' with \(sessions.counted("session")) and "
            + contacts.counted("contact")
    }

    func text(style: TextStyle) -> String { "\(isTrial ? "Would erase" : "Erased") \(sentence).\n" }
}
