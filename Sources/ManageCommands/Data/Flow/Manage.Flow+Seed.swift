// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Settings

extension Manage.Flow {
    /// `flow seed`: something to try the server out with, or to load it.
    struct Seed: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Fill the server with accounts, public groups and messages.",
            discussion: """
                Without options it makes one public group with a first message. The groups
                belong to the bot 'seed'; the new accounts write in turn. Without a password
                for all of them no client can log in as one of them. With --remove, what was
                seeded is deleted again: the bot's groups with everything in them, and the
                accounts.

                Examples:
                  manage flow seed
                  manage flow seed --users 100 --flows 10 --messages 100000
                  manage flow seed --users 10 --password-stdin < secret.txt
                  manage flow seed --remove
                """
        )

        @Option(help: ArgumentHelp("How many accounts. (default: 0)", valueName: "count"))
        var users: Int?

        @Option(help: ArgumentHelp("How many groups. (default: 1)", valueName: "count"))
        var flows: Int?

        @Option(help: ArgumentHelp("How many messages. (default: 1)", valueName: "count"))
        var messages: Int?

        @Flag(name: .customLong("remove"), help: "Delete what was seeded.")
        var isRemoval = false

        @OptionGroup(title: "Confirmation Options") var confirmation: ConfirmationOptions
        @OptionGroup(title: "Password Options") var password: PasswordOptions
        @OptionGroup var common: OperationOptions

        func validate() throws {
            if isRemoval, users != nil || flows != nil || messages != nil || password.isGiven {
                throw ValidationError("Please give --remove alone: everything that was seeded is deleted.")
            }
            if confirmation.isGiven, !isRemoval {
                throw ValidationError("Please give --yes only with --remove: nothing else is asked.")
            }
            for count in [users, flows, messages] where !(0...SeedFlows.maximumCount).contains(count ?? 0) {
                throw ValidationError("Please give numbers from 0 to \(SeedFlows.maximumCount).")
            }
            if flows == 0, messages ?? 0 > 0 { throw ValidationError("Please give a group for the messages to be in.") }
        }

        func run() async throws {
            let runner = try common.runner()
            if isRemoval { return try await remove(runner) }
            let secret = password.isGiven ? try password.password(prompt: "Password", isNew: true) : nil
            let operation = SeedFlows(
                users: users ?? 0, flows: flows ?? 1, messages: messages ?? (flows == 0 ? 0 : 1),
                password: secret.map { SecretText($0) })
            let context = CommandContext.current
            let bar = ProgressBar(context: context, isQuiet: output.isQuiet)
            defer { bar.finish() }
            let report = try await runner.run(operation) { bar.show($0) }
            try output.write(report)
        }

        private func remove(_ runner: OperationRunner) async throws {
            let bar = ProgressBar(context: .current, isQuiet: output.isQuiet)
            defer { bar.finish() }
            let trial = try await runner.run(RemoveSeed(isTrial: true))
            if trial.isEmpty { return try output.write(trial) }
            try confirmation.require(
                "Delete \(trial.flows.counted("seeded group")) with all messages in them and "
                    + "\(trial.users.counted("seeded account"))?")
            try output.write(try await runner.run(RemoveSeed()) { bar.show($0) })
        }
    }
}

extension RemoveSeed.Report: CommandReport {
    func text(style: TextStyle) -> String {
        if isEmpty { return "Nothing is seeded.\n" }
        return "Deleted \(flows.counted("seeded group")) and \(users.counted("seeded account")).\n"
    }
}

extension SeedFlows.Report: CommandReport {
    func text(style: TextStyle) -> String {
        var text = "Made \(users.counted("user")), \(flows.counted("group")) and \(messages.counted("message")).\n"
        if let firstFlow { text += "The first group is \(firstFlow).\n" }
        if let firstLogin { text += "The first new login is \(firstLogin.escapedForTerminal()).\n" }
        return text
    }
}
