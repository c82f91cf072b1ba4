// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `user.create`: a new account.
package struct CreateUser: AdminOperation {
    package static let name = "user.create"
    package static let summary = "Make an account."
    package static let access = OperationActor.Scope.write

    package var login: String
    /// The shown name.
    package var username: String
    package var password: SecretText
    /// Whether it is a program's.
    package var isBot: Bool
    /// Empty for none.
    package var email: String

    package init(login: String, username: String, password: SecretText, isBot: Bool = false, email: String = "") {
        self.login = login
        self.username = username
        self.password = password
        self.isBot = isBot
        self.email = email
    }

    package var target: String? { login }

    package func run(on context: OperationContext) async throws(OperationError) -> UserReport {
        let user = try await context.newUser(
            login: login, password: password, username: username, email: email, isBot: isBot)
        _ = try await context.write(Write.CreateUser(user))
        return UserReport(try await context.user(login: login))
    }
}

/// `user.check_login`: whether an account with a login can be made, before its password is asked for.
package struct CheckLogin: AdminOperation {
    /// What `user.check_login` tells: nothing but that it can.
    package struct Report: Codable, Sendable {
        /// The login as it would be kept.
        package var login: String
    }

    package static let name = "user.check_login"
    package static let summary = "Check whether an account with a login can be made."
    package static let access = OperationActor.Scope.read
    package static let isWatching = true

    package var login: String

    package init(login: String) {
        self.login = login
    }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        Report(login: try await context.freeLogin(login).text)
    }
}

extension OperationContext {
    /// Refuses the logins of the server's own bots.
    func checkIsNotReserved(_ login: Login) throws(OperationError) {
        guard login.isReserved else { return }
        throw OperationError(
            .refused, "The login '\(login.text)' is reserved for a bot of the server's own.",
            nextStep: "Choose another one.")
    }

    /// A login that can be given to a new account.
    ///
    /// - Throws: `.invalid` for what is no login, `.exists` for one that is taken, `.refused` for that of a bot of the
    ///   server, unless it `isOurs`.
    func freeLogin(_ text: String, isOurs: Bool = false) async throws(OperationError) -> Login {
        let login = try await asking { _ in try Login(text) }
        if !isOurs { try checkIsNotReserved(login) }
        let known = try await reading { try await $0.user(loginKey: login.key) }
        if known != nil {
            throw OperationError(
                .exists, "A user with login '\(login.text)' exists already.", nextStep: OperationError.listUsers)
        }
        return login
    }

    /// An account ready to be written; a taken login is told before its password costs anything.
    func newUser(
        login: String, password: SecretText, username: String, email: String = "", isBot: Bool = false,
        isHidden: Bool = false, isOurs: Bool = false
    ) async throws(OperationError) -> NewUser {
        let login = try await freeLogin(login, isOurs: isOurs)
        guard !password.clearText.isEmpty else { throw OperationError(.invalid, "The password is empty.") }
        return try await asking {
            try await $0.newUser(
                login: login, password: password.password, username: username, email: email, isBot: isBot,
                isHidden: isHidden)
        }
    }
}
