// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Credentials
package import Storage

/// Why the domain refused a request.
///
/// Each wire protocol maps every case to its own code.
package enum ChatError: Error, Equatable, Sendable {
    /// The login belongs to another account. Logins compare without regard to case.
    case loginTaken
    /// No login or no password was given.
    case credentialsMissing
    /// The login cannot be an account's name; the text says why.
    case invalidLogin(String)
    /// The e-mail address is none.
    case invalidEmail
    /// New accounts are made by the administrator only.
    case registrationClosed
    /// A code is needed for a new account.
    case inviteNeeded
    /// No such code, or it is used up, expired or revoked.
    case inviteInvalid
    case noSuchLogin
    case wrongPassword
    /// The password of this account was never seen in the form that a challenge needs: log in once with the password.
    case challengeUnavailable
    /// Too many failed logins; try again after so many seconds.
    case tooManyAttempts(seconds: Int)
    /// The account or its network does this too often; try again after so many seconds.
    case tooManyRequests(seconds: Int)
    /// More work waits than the server takes on; try again.
    case busy
    /// No such token, or not this user's.
    case tokenUnknown
    case tokenExpired
    case tokenRevoked
    /// The account was deleted.
    case accountDeleted
    case noSuchUser
    case noSuchFlow
    case noSuchMessage
    /// Visible, but not to be done by this account; the text says what.
    case notAllowed(String)
    /// A field is longer than `limit` bytes of UTF-8.
    case tooLong(field: String, limit: Int)
    /// A field contains U+0000, which cannot be stored.
    case nullCharacter(field: String)
    /// A flow cannot be like that; the text says why.
    case invalidFlow(String)
    /// More messages asked for than one answer holds.
    case rangeTooLarge(limit: Int)
    /// The server was started to be read only.
    case readOnly
    /// The store failed, and nothing was changed; the cause is in the log, not in the reply.
    case storageUnavailable
    /// The store failed while it committed, and could not be asked: the change may or may not have been made.
    case outcomeUnknown
    /// Something else of ours failed; the cause is in the log.
    case internalFailure

    /// What a closure of the domain's calls threw.
    ///
    /// Swift infers no typed error for a closure, so functions that run one take `() throws` and convert here. Anything
    /// but a `ChatError`, which the domain does not throw, is an internal failure.
    package init(thrown error: any Error) {
        self = error as? ChatError ?? .internalFailure
    }
}

/// The bounds of what accounts may store.
///
/// Lengths are bytes of UTF-8.
package enum ChatLimits {
    package static let loginBytes = 255
    package static let usernameBytes = 255
    package static let emailBytes = EmailAddress.maximumBytes
    package static let bioBytes = 16 << 10
    package static let avatarBytes = 256 << 10
    package static let titleBytes = 1024
    package static let infoBytes = 16 << 10
    package static let textBytes = 64 << 10
    package static let emojiBytes = 16 << 10
    package static let publicKeyBytes = 16 << 10
    /// The people named when a flow is created.
    package static let newMembers = 10_000
    /// Files longer than this are kept as attachments beside the message.
    package static let inlineFileBytes = 1024
}

/// What the settings say about accounts and sessions.
package struct ChatPolicy: Sendable {
    /// Who may create an account.
    package enum Registration: String, Sendable {
        case open
        /// People with a code.
        case invite
        /// Only the administrator.
        case closed
    }

    package var registration: Registration
    /// How long a token is valid, in seconds.
    package var tokenLifetimeSeconds: Int64
    /// Random bytes of a token, 16 to 64.
    package var tokenBytes: Int
    /// How many messages back a device begins that has never been here.
    package var backlog = 1000
    /// What the server does for people; it stays as long as the server runs.
    package var mode = ServiceMode.normal
    /// Coming and going.
    package var presence = Presence.Options()
    /// Whether other processes write to the store, so that the log has to be followed.
    package var sharesStore = false
    /// This process among those that share the store.
    package var node = NodeIdentity()
    /// How often accounts and networks may do something.
    package var rates = RateLimits.none
    /// How long messages are kept, by the type of their flow; types that are missing are kept for ever.
    package var retention: [FlowRecord.Kind: Duration] = [:]
    /// Seals what lets skaro's clients log in; `nil` keeps none.
    package var sealer: Sealer?

    /// A policy with the defaults for the rest.
    package init(isRegistrationOpen: Bool = true, tokenLifetimeSeconds: Int64 = 30 * 86_400, tokenBytes: Int = 16) {
        registration = isRegistrationOpen ? .open : .closed
        self.tokenLifetimeSeconds = tokenLifetimeSeconds
        self.tokenBytes = tokenBytes
    }
}
