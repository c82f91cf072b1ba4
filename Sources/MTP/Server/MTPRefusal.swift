// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat

/// Why a request was not fulfilled, in this protocol's words.
struct MTPRefusal: Error {
    var status: MTPStatus
    var detail: String

    init(_ status: MTPStatus, _ detail: String) {
        self.status = status
        self.detail = detail
    }

    /// The code and words that a client of this protocol gets for `error`.
    init(_ error: ChatError) {
        switch error {
        case .loginTaken: self.init(.conflict, "This login is taken. Choose another one.")
        case .credentialsMissing: self.init(.unauthorized, "data.user[0] needs a login and a password.")
        case .invalidLogin(let why): self.init(.badRequest, why)
        case .invalidEmail: self.init(.unsupportedMediaType, "The email is no address such as alice@example.org.")
        case .registrationClosed:
            self.init(.forbidden, "Registration is closed: ask the administrator for an account.")
        case .inviteNeeded:
            self.init(.forbidden, "Registration needs an invitation: send its code as meta.invite.")
        case .inviteInvalid: self.init(.forbidden, "The invitation is unknown, used up, expired or revoked.")
        case .challengeUnavailable:
            self.init(.unauthorized, "The account cannot answer a challenge yet: log in once with the password.")
        case .noSuchLogin: self.init(.notFound, "There is no account with this login.")
        case .wrongPassword: self.init(.unauthorized, "The password is wrong.")
        case .tooManyAttempts(let seconds):
            self.init(.tooManyRequests, "Too many failed logins. Try again in \(seconds) seconds.")
        case .tooManyRequests(let seconds):
            self.init(.tooManyRequests, "Too many requests of this kind. Try again in \(seconds) seconds.")
        case .busy: self.init(.serviceUnavailable, "The server is overloaded. Send the request again.")
        case .tokenUnknown: self.init(.unauthorized, "The auth_id is not one of this user. Authenticate again.")
        case .tokenExpired: self.init(.unauthorized, "The auth_id has expired. Authenticate again.")
        case .tokenRevoked: self.init(.unauthorized, "The auth_id was revoked. Authenticate again.")
        case .accountDeleted: self.init(.unauthorized, "The auth_id was revoked: the account was deleted.")
        case .noSuchUser: self.init(.notFound, "There is no such user.")
        case .noSuchFlow: self.init(.notFound, "There is no such flow.")
        case .noSuchMessage: self.init(.notFound, "There is no such message.")
        case .notAllowed(let why): self.init(.forbidden, why)
        case .tooLong(let field, let limit): self.init(.payloadTooLarge, "\(field) is longer than \(limit) bytes.")
        case .nullCharacter(let field): self.init(.badRequest, "\(field) contains U+0000, which cannot be stored.")
        case .invalidFlow(let why): self.init(.badRequest, why)
        case .rangeTooLarge(let limit):
            self.init(.forbidden, "The range holds more than \(limit) messages. Ask for less at a time.")
        case .readOnly: self.init(.serviceUnavailable, "The server is read-only. Send the request again later.")
        case .storageUnavailable: self.init(.serviceUnavailable, "The storage is unavailable. Send the request again.")
        case .outcomeUnknown:
            self.init(
                .gatewayTimeout,
                "The storage did not answer in time: it is not known whether this was done. "
                    + "Check before you send the request again.")
        case .internalFailure: self.init(.unknownError, "The server failed. See the server's log for details.")
        }
    }
}
