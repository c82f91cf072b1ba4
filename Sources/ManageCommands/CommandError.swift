// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Settings

/// Why a command fails, as it is told to the person who ran it: a sentence that names the value in question, then the
/// next step.
///
/// It contains no type name, file of the source, SQL or secret.
///
///     Error: No user with login 'alice'. List logins with 'manage user list'.
struct CommandError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the process ends with.
    var status: CommandStatus
    /// What is wrong: a sentence.
    var message: String
    /// What to do: a sentence, if there is something.
    var nextStep: String?

    /// The reader of the output has gone, as `head` does: nothing more is to be said, and nothing is wrong.
    static let outputClosed = CommandError(.done, "")

    /// An error that nothing has words for: what a library calls it does not help its reader.
    static let unforeseen = CommandError(
        .failed, "The command failed for a reason that it does not know.",
        nextStep: "Try again, look into the server's log, and report it if it remains.")

    init(_ status: CommandStatus, _ message: String, nextStep: String? = nil) {
        self.status = status
        self.message = message
        self.nextStep = nextStep
    }

    /// What a command tells of an error; `nil` for one that it has no words for.
    init?(reporting error: any Error) {
        guard let known = error as? CommandError ?? (error as? any CommandErrorConvertible)?.commandError else {
            return nil
        }
        self = known
    }

    /// Message and next step.
    var description: String {
        nextStep.map { "\(message) \($0)" } ?? message
    }
}

/// An error of another part of the program that `manage` knows to put into words.
///
/// A part gets its words through an extension in this target that conforms its error to this protocol.
protocol CommandErrorConvertible: Error {
    /// The error as a command tells it.
    var commandError: CommandError { get }
}

extension SettingsError: CommandErrorConvertible {
    /// Ends with 78; the words are those of the settings.
    var commandError: CommandError { CommandError(.settings, description) }
}

extension CancellationError: CommandErrorConvertible {
    /// Ends with 130.
    var commandError: CommandError { CommandError(.interrupted, "Interrupted.") }
}
