// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat

/// Why a request was not fulfilled, as the client is told.
struct FastChatRefusal: Error {
    /// Part of a sentence, for `FastChatNotice.refused`.
    var detail: String
    /// The group that it is about.
    var group: FastChatGroupNumber?

    init(_ detail: String, group: FastChatGroupNumber? = nil) {
        self.detail = detail
        self.group = group
    }

    init(_ error: ChatError, group: FastChatGroupNumber? = nil) {
        self.init(Self.detail(error), group: group)
    }

    /// The words for each refusal of the domain.
    static func detail(_ error: ChatError) -> String {
        switch error {
        case .loginTaken: "that user is present already"
        case .credentialsMissing: "the password is empty"
        case .invalidLogin(let why), .notAllowed(let why), .invalidFlow(let why): lowercased(why)
        case .invalidEmail: "the e-mail address is not valid"
        case .registrationClosed: "registration is closed, ask the administrator for an account"
        case .inviteNeeded:
            "registration needs an invitation, and this protocol has no field for its code: ask the administrator"
        case .inviteInvalid: "the invitation is unknown, used up, expired or revoked"
        case .noSuchLogin, .noSuchUser: "there is no such user"
        case .wrongPassword: "the password is wrong"
        case .challengeUnavailable: "the account cannot answer a challenge"
        case .tooManyAttempts(let seconds): "too many failed logins, try again in \(seconds) seconds"
        case .tooManyRequests(let seconds): "too many requests of this kind, try again in \(seconds) seconds"
        case .busy: "the server is overloaded, try again later"
        case .tokenUnknown, .tokenExpired, .tokenRevoked: "the session has ended, log in again"
        case .accountDeleted: "the account was deleted"
        case .noSuchFlow: "there is no such group"
        case .noSuchMessage: "there is no such message"
        case .tooLong(let field, let limit): "\(field) is longer than \(limit) bytes"
        case .nullCharacter(let field): "\(field) contains U+0000"
        case .rangeTooLarge(let limit): "more than \(limit) messages were asked for"
        case .readOnly: "the server is read-only, try again later"
        case .storageUnavailable: "the storage is unavailable, try again"
        case .outcomeUnknown:
            "the storage did not answer in time, it is not known whether this was done: check before you try again"
        case .internalFailure: "the server failed, see the server's log for details"
        }
    }

    /// A sentence of the domain as a part of ours.
    private static func lowercased(_ sentence: String) -> String {
        let words = sentence.hasSuffix(".") ? sentence.dropLast() : sentence[...]
        return words.prefix(1).lowercased() + words.dropFirst()
    }
}
