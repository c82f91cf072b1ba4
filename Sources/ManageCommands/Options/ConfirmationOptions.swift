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
