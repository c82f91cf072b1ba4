// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat

extension SkaroRefusal {
    /// The status and words that a client of this protocol gets for `error`.
    init(_ error: ChatError) {
        switch error {
        case .loginTaken: self.init(.conflict, "This login is taken. Choose another one.")
        case .credentialsMissing: self.init(.badRequest, "login and password must not be empty.")
        case .invalidLogin(let why): self.init(.badRequest, why)
        case .invalidEmail: self.init(.badRequest, "email is no address such as alice@example.org.")
        case .registrationClosed:
            self.init(.forbidden, "Registration is closed: ask the administrator for an account.")
        case .inviteNeeded: self.init(.forbidden, "Registration needs an invitation: send its code as invite.")
        case .inviteInvalid: self.init(.forbidden, "The invitation is unknown, used up, expired or revoked.")
        case .challengeUnavailable:
            self.init(
                .unauthorized,
                "The account cannot log in like this yet: log in once with a client of another protocol, "
                    + "or have the password set anew.")
        // Which of the two it was is not told.
        case .noSuchLogin, .wrongPassword: self.init(.unauthorized, "The login or the password is wrong.")
        case .tooManyAttempts(let seconds):
            self.init(.tooManyRequests, "Too many failed logins. Try again in \(seconds) seconds.")
        case .tooManyRequests(let seconds):
            self.init(.tooManyRequests, "Too many requests of this kind. Try again in \(seconds) seconds.")
        case .busy: self.init(.serviceUnavailable, "The server is overloaded. Send the request again.")
        case .tokenUnknown: self.init(.unauthorized, "There is no such session. Log in again.")
        case .tokenExpired: self.init(.unauthorized, "The session is over. Log in again.")
        case .tokenRevoked: self.init(.unauthorized, "The session was ended. Log in again.")
        case .accountDeleted: self.init(.gone, "The account was deleted.")
        case .noSuchUser: self.init(.notFound, "No account has this login.")
        case .noSuchFlow: self.init(.notFound, "There is no such conversation.")
        case .noSuchMessage: self.init(.notFound, "There is no such message in this conversation.")
        case .notAllowed(let why): self.init(.forbidden, why)
        case .tooLong(let field, let limit):
            self.init(.payloadTooLarge, "\(Self.field(field)) is longer than \(limit) bytes.")
        case .nullCharacter(let field):
            self.init(.badRequest, "\(Self.field(field)) contains U+0000, which cannot be stored.")
        case .invalidFlow(let why): self.init(.forbidden, why)
        case .rangeTooLarge(let limit): self.init(.badRequest, "limit is at most \(limit).")
        case .readOnly: self.init(.serviceUnavailable, "The server is read-only. Send the request again later.")
        case .storageUnavailable:
            self.init(.serviceUnavailable, "The storage is unavailable. Send the request again.")
        case .outcomeUnknown:
            self.init(
                .gatewayTimeout,
                "The storage did not answer in time: it is not known whether this was done. "
                    + "Check before you send the request again.")
        case .internalFailure: self.init(.internalServerError, "The server failed. See the server's log for details.")
        }
    }

    /// The name that this protocol has for a field of the domain's.
    private static func field(_ name: String) -> String {
        switch name {
        case "text": "body"
        case "username": "name"
        default: name
        }
    }

    /// A connection serves one session.
    static let alreadyLoggedIn = SkaroRefusal(
        .forbidden, "This connection is logged in already. Open another one for another session.")
}
