// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `user.update`: changes what is given of an account.
package struct UpdateUser: AdminOperation {
    package static let name = "user.update"
    package static let summary = "Change what is given of an account."
    package static let access = OperationActor.Scope.write

    /// Whose account.
    package var login: String
    /// Another login.
    package var newLogin: String?
    /// Another shown name.
    package var username: String?
    /// Another address; empty for none.
    package var email: String?
    /// What the account says about itself.
    package var bio: String?
    /// Another picture, such as Base64 of one; empty for none.
    package var avatar: String?
    /// Whether it is a program's.
    package var isBot: Bool?

    /// What is `nil` stays as it is.
    package init(
        login: String, newLogin: String? = nil, username: String? = nil, email: String? = nil, bio: String? = nil,
        avatar: String? = nil, isBot: Bool? = nil
    ) {
        self.login = login
        self.newLogin = newLogin
        self.username = username
        self.email = email
        self.bio = bio
        self.avatar = avatar
        self.isBot = isBot
    }

    package var target: String? { login }

    package func run(on context: OperationContext) async throws(OperationError) -> UserReport {
        guard newLogin != nil || username != nil || email != nil || bio != nil || avatar != nil || isBot != nil
        else {
            throw OperationError(.invalid, "Nothing to change was given.")
        }
        try context.check(username, "username", limit: ChatLimits.usernameBytes)
        try context.check(email, "email", limit: ChatLimits.emailBytes)
        if let email, !email.isEmpty, !EmailAddress.isValid(email) { throw OperationError(ChatError.invalidEmail) }
        try context.check(bio, "bio", limit: ChatLimits.bioBytes)
        try context.check(avatar, "avatar", limit: ChatLimits.avatarBytes)
        var changes = UserChanges(username: username, email: email, avatar: avatar, bio: bio, isBot: isBot)
        if let newLogin {
            let checked = try await context.asking { _ in try Login(newLogin) }
            try context.checkIsNotReserved(checked)
            changes.login = (checked.text, checked.key)
        }
        let user = try await context.user(login: login)
        do {
            _ = try await context.write(Write.UpdateUser(user.id, changes))
        } catch  where error.kind == .exists {
            throw OperationError(
                .exists, "A user with login '\(newLogin ?? login)' exists already.", nextStep: OperationError.listUsers)
        }
        return UserReport(try await context.user(login: newLogin ?? login))
    }
}
