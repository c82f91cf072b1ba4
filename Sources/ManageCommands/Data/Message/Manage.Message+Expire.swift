// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Message {
    /// `message expire`: erases what is older than it is kept.
    struct Expire: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Erase messages that are older than they are kept.",
            discussion: """
                The messages keep their places and read 'Message deleted'; what they said is
                gone from the database and the search, with files that no other message has.
                Connected clients are not told of each. Without an age [RETENTION] of the
                settings applies, as it does every hour in a running server.

                Examples:
                  manage message expire --group 90d --channel 52w --dry-run
                  manage message expire --chat 365d --yes
                """
        )

        @Option(
            help: ArgumentHelp("How long messages in chats of two are kept, such as 90d.", valueName: "age"),
            transform: LifetimeWord.parse)
        var chat: LifetimeWord?

        @Option(
            help: ArgumentHelp("How long messages in groups are kept.", valueName: "age"),
            transform: LifetimeWord.parse)
        var group: LifetimeWord?

        @Option(
            help: ArgumentHelp("How long messages in channels are kept.", valueName: "age"),
            transform: LifetimeWord.parse)
        var channel: LifetimeWord?

        @Flag(name: [.customLong("dry-run"), .customShort("n")], help: "Only count.")
        var isTrial = false

        @OptionGroup(title: "Confirmation Options") var confirmation: ConfirmationOptions
        @OptionGroup var common: OperationOptions

        func run() async throws {
            let bar = ProgressBar(context: .current, isQuiet: output.isQuiet)
            defer { bar.finish() }
            let runner = try common.runner()
            var operation = ExpireMessages(
                chat: chat?.seconds, group: group?.seconds, channel: channel?.seconds, isTrial: true)
            if isTrial || !confirmation.isGiven {
                let trial = try await runner.run(operation) { bar.show($0) }
                let messages = trial.expired.reduce(0) { $0 + $1.messages }
                if isTrial || messages == 0 { return try output.write(trial) }
                bar.finish()
                try confirmation.require("Erase \(messages.counted("message")) for good?")
            }
            operation.isTrial = false
            try output.write(try await runner.run(operation) { bar.show($0) })
        }
    }
}

extension ExpireMessages.Report: CommandReport {
    func text(style: TextStyle) -> String {
        expired.map { item in
            let verb = isTrial ? "Would erase" : "Erased"
            let age =
                item.keptSeconds % 86_400 == 0
                ? (item.keptSeconds / 86_400).counted("day") : (item.keptSeconds / 3600).counted("hour")
            return "\(verb) \(item.messages.counted("message")) of type \(item.type) older than \(age) "
                + "(\(item.bytes.counted("byte"))).\n"
        }.joined()
    }
}
