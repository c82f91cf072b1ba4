// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
package import Storage

/// Why an operation failed: a sentence that names the value in question, and the next step.
///
/// It holds no SQL and no secret, and travels as JSON.
package struct OperationError: Error, Codable, Sendable, Equatable {
    /// What is the matter, for branching.
    package enum Kind: String, Codable, Sendable, CaseIterable {
        /// What was named is not there.
        case notFound = "not_found"
        /// What was to be made is there already.
        case exists
        /// The rules do not allow it.
        case refused
        /// A parameter is invalid.
        case invalid
        /// Too much is under way; trying again may succeed.
        case busy
        /// The actor has as many of it at the same time as one may have.
        case tooMany = "too_many"
        /// The database cannot be reached, or not be used as it is.
        case unavailable
        /// Anything else; the log of the process that ran the operation has details.
        case failed
    }

    /// What is the matter, for branching.
    package var kind: Kind
    /// What is wrong: a sentence.
    package var message: String
    /// What to do: a sentence, if there is something.
    package var nextStep: String?

    package init(_ kind: Kind, _ message: String, nextStep: String? = nil) {
        self.kind = kind
        self.message = message
        self.nextStep = nextStep
    }
}

extension OperationError {
    /// What the domain's refusal means for an administrator.
    package init(_ error: ChatError) {
        switch error {
        case .loginTaken:
            self.init(.exists, "A user with that login exists already.", nextStep: Self.listUsers)
        case .credentialsMissing: self.init(.invalid, "A login and a password are needed.")
        case .invalidLogin(let reason): self.init(.invalid, reason)
        case .invalidEmail:
            self.init(.invalid, "The mail address is not valid.", nextStep: "Give one such as alice@example.org.")
        case .registrationClosed: self.init(.refused, "Registration is closed.")
        case .inviteNeeded, .inviteInvalid:
            self.init(.refused, "The invitation is not valid.", nextStep: "List them with 'manage invite list'.")
        case .challengeUnavailable: self.init(.refused, "The account cannot answer a challenge yet.")
        case .noSuchLogin, .noSuchUser: self.init(.notFound, "There is no such user.", nextStep: Self.listUsers)
        case .wrongPassword: self.init(.refused, "The password is wrong.")
        case .tooManyAttempts(let seconds), .tooManyRequests(let seconds):
            self.init(.busy, "Try again in \(seconds) seconds.")
        case .busy: self.init(.busy, "The server is overloaded.", nextStep: "Try again later.")
        case .tokenUnknown: self.init(.notFound, "There is no such session.")
        case .tokenExpired, .tokenRevoked: self.init(.refused, "The session has ended.")
        case .accountDeleted: self.init(.notFound, "The account was deleted.", nextStep: Self.listUsers)
        case .noSuchFlow: self.init(.notFound, "There is no such flow.", nextStep: Self.listFlows)
        case .noSuchMessage: self.init(.notFound, "There is no such message.")
        case .notAllowed(let reason): self.init(.refused, reason)
        case .tooLong(let field, let limit):
            self.init(.invalid, "The \(field) is longer than \(limit) bytes.", nextStep: "Give a shorter one.")
        case .nullCharacter(let field): self.init(.invalid, "The \(field) contains the character U+0000.")
        case .invalidFlow(let reason): self.init(.invalid, reason)
        case .rangeTooLarge(let limit): self.init(.invalid, "At most \(limit) can be asked for at once.")
        case .readOnly: self.init(.unavailable, "The server is read-only.", nextStep: "Start it without --read-only.")
        case .storageUnavailable:
            self.init(.unavailable, "The database cannot be reached.", nextStep: "Check it with 'manage db status'.")
        case .outcomeUnknown:
            self.init(
                .unavailable, "The database did not answer in time: it is not known whether this was done.",
                nextStep: "Check before you try again.")
        case .internalFailure: self.init(.failed, "The database failed. See the log for details.")
        }
    }

    /// What the store's failure means for an administrator.
    package init(_ error: StorageError) {
        switch error.code {
        case .notFound: self.init(.notFound, error.message)
        case .unavailable, .unusable, .needsMigration, .newerThanProgram, .commitUnknown, .inDoubt:
            self.init(.unavailable, error.message)
        case .conflict, .readFailed, .writeFailed, .full: self.init(.failed, error.message)
        }
    }

    /// The task was cancelled.
    package static let interrupted = OperationError(.failed, "The operation was interrupted.")

    /// No administrator has a name.
    package static func noAdministrator(_ username: String) -> OperationError {
        OperationError(
            .notFound, "No administrator '\(username)'.",
            nextStep: "List the administrators with 'manage superuser list'.")
    }

    /// A name belongs to an administrator already.
    package static func administratorExists(_ username: String) -> OperationError {
        OperationError(
            .exists, "An administrator '\(username)' exists already.", nextStep: "Choose another --username.")
    }

    static let listUsers = "List logins with 'manage user list'."
    static let listFlows = "List flows with 'manage flow list'."
}

extension OperationError: CustomStringConvertible {
    package var description: String { nextStep.map { "\(message) \($0)" } ?? message }
}
