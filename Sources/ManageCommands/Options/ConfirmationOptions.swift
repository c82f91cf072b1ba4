// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// Consent to what destroys something: `--yes`, or the answer to a question on a terminal.
struct ConfirmationOptions: ParsableArguments {
    /// Whether consent was given on the command line.
    @Flag(name: [.customLong("yes"), .customShort("y")], help: "Do it without asking.")
    var isGiven = false

    /// Continues only with consent.
    ///
    /// - Parameter question: What is about to happen, as a question.
    /// - Throws: `CommandError`: 1 after a no, 64 without a terminal to ask on.
    func require(_ question: String) throws(CommandError) {
        if isGiven { return }
        let terminal = CommandContext.current.terminal
        guard terminal.isInteractive else {
            throw CommandError(
                .usage, "Refusing without confirmation: \(question)", nextStep: "Add --yes to confirm."
            )
        }
        guard try terminal.confirm(question) else { throw CommandError(.failed, "Cancelled; nothing was changed.") }
    }
}

/// Consent to what deletes one thing for good: as above, or its name once more, which cannot be meant for another one.
struct DeletionOptions: ParsableArguments {
    @OptionGroup var consent: ConfirmationOptions

    @Option(
        name: .customLong("confirm"),
        help: ArgumentHelp("Do it without asking if this is the name of what is deleted.", valueName: "name"))
    var confirmed: String?

    /// Continues only with consent; `names` are what `--confirm` may say.
    ///
    /// - Throws: `CommandError`: 1 after a no, 64 for another name and without a terminal to ask on.
    func require(_ question: String, of names: String...) throws(CommandError) {
        guard let confirmed else { return try consent.require(question) }
        guard names.contains(where: { $0.utf8.elementsEqual(confirmed.utf8) }) else {
            throw CommandError(
                .usage, "--confirm says '\(confirmed)', and this is about '\(names[0])': nothing was changed.",
                nextStep: "Check which one is meant.")
        }
    }
}
