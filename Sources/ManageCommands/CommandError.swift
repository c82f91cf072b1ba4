// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Settings

/// Why a command fails, as it is told to the person who ran it: a sentence that names the value in question, then the
/// next step.
///
/// It contains no type name, file of the source, SQL or secret.
///
///     Error: No user with login 'alice'. List logins with 'manage user list'.
package struct CommandError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the process ends with.
    package var status: CommandStatus
    /// What is wrong: a sentence.
    package var message: String
    /// What to do: a sentence, if there is something.
    package var nextStep: String?

    /// The reader of the output has gone, as `head` does: nothing more is to be said, and nothing is wrong.
    package static let outputClosed = CommandError(.done, "")

    /// Creates an error.
    package init(_ status: CommandStatus, _ message: String, nextStep: String? = nil) {
        self.status = status
        self.message = message
        self.nextStep = nextStep
    }

    /// Message and next step.
    package var description: String {
        nextStep.map { "\(message) \($0)" } ?? message
    }
}

/// An error of another part of the program that `manage` knows to put into words.
///
/// A part gets its words through an extension in this target that conforms its error to this protocol.
package protocol CommandErrorConvertible: Error {
    /// The error as a command tells it.
    var commandError: CommandError { get }
}

extension SettingsError: CommandErrorConvertible {
    /// Ends with 78; the words are those of the settings.
    package var commandError: CommandError { CommandError(.settings, description) }
}

extension CancellationError: CommandErrorConvertible {
    /// Ends with 130.
    package var commandError: CommandError { CommandError(.interrupted, "Interrupted.") }
}
