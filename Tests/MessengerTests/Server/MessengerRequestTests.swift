// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import TestClient
import TestSupport
import Testing

@testable import Messenger

/// Every request with every answer, over real sockets.
@Suite(.timeLimit(.minutes(10))) struct MessengerRequestTests {
    private let password = ChatUnderTest.password

    // MARK: Sign up

    @Test func signUpMakesAnAccountOnce() async throws {
        try await MessengerWorld.with { world in
            let client = try await world.connect()

            #expect(
                try await client.request(.signUp(email: "a@b.c", login: "Anna", password: "pw")) == .signedUp)
            #expect(
                try await client.request(.signUp(email: "", login: "anna", password: "other")) == .loginTaken)
            let person = try await world.chat.person(login: "anna")
            #expect(person.login == "Anna")
            // Nobody is signed in by that, and no session is left behind.
            #expect(world.service.keys.count == 0)
            #expect(try await world.test.storage.sessions(of: person.id).isEmpty)
            try await client.logIn("anna", password: "pw")
        }
    }

    @Test(arguments: [ChatPolicy.Registration.invite, .closed])
    func signUpIsRefusedUnlessItIsOpen(registration: ChatPolicy.Registration) async throws {
        var policy = MessengerWorld.policy
        policy.registration = registration
        try await MessengerWorld.with(policy: policy) { world in
            let client = try await world.connect()

            #expect(try await client.request(.signUp(email: "", login: "anna", password: "pw")) == .signUpRefused)
        }
    }

    @Test(arguments: [("", "pw"), ("anna", ""), ("an\u{200B}na", "pw"), (String(repeating: "a", count: 256), "pw")])
    func signUpNeedsALoginAndAPassword(login: String, password: String) async throws {
        try await MessengerWorld.with { world in
            let client = try await world.connect()

            #expect(
                try await client.request(.signUp(email: "", login: login, password: password)) == .refused(prefix: 0))
        }
    }

    // MARK: Log in and out

    @Test func logInNamesWhatIsWrong() async throws {
        try await MessengerWorld.with { world in
            try await world.test.register("anna")
            let client = try await world.connect()

            #expect(try await client.request(.logIn(login: "bob", password: password)) == .noSuchLogin)
            #expect(try await client.request(.logIn(login: "", password: password)) == .noSuchLogin)
            #expect(try await client.request(.logIn(login: "anna", password: "pw")) == .wrongPassword)
            #expect(try await client.request(.logIn(login: "anna", password: "")) == .wrongPassword)
            let answer = try await client.request(.logIn(login: "ANNA", password: password))
            guard case .loggedIn = answer else { throw MessengerFailure(answer: answer) }
        }
    }

    @Test func tooManyWrongPasswordsAreAnsweredLikeOne() async throws {
        try await MessengerWorld.with { world in
            try await world.test.register("anna")
            let client = try await world.connect()
            for _ in 0..<6 {
                #expect(try await client.request(.logIn(login: "anna", password: "guess")) == .wrongPassword)
            }

            #expect(try await client.request(.logIn(login: "anna", password: password)) == .wrongPassword)

            world.test.clock.advance(by: .seconds(120))
            try await client.logIn("anna", password: password)
        }
    }

    @Test func logOutEndsTheKeyAndTheSession() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.enter("anna")
            let principal = try world.principal(anna)
            let key = try #require(anna.client.key)

            try await anna.client.logOut()

            #expect(world.service.keys.count == 0)
            #expect(!world.chat.isOnline(principal.user))
            #expect(try await world.test.storage.isLive(principal.session) == false)
            #expect(try await anna.client.request(.contacts(key)) == .refused(prefix: 3))
            #expect(try await anna.client.request(.logOut(key)) == .refused(prefix: 2))
            try await anna.client.logIn("anna", password: password)
            #expect(try await anna.client.contacts() == [])
        }
    }

    @Test func anotherLogInTakesThePlaceOfTheFirst() async throws {
        try await MessengerWorld.with { world in
            try await world.test.register("bob")
            let anna = try await world.enter("anna")
            let first = try world.principal(anna)
            let key = try #require(anna.client.key)

            try await anna.client.logIn("bob", password: password)

            #expect(!world.chat.isOnline(first.user))
            #expect(try await anna.client.request(.contacts(key)) == .refused(prefix: 3))
            #expect(try await anna.client.request(.contacts(#require(anna.client.key))) == .noContacts)
            #expect(try await world.chat.person(world.principal(anna).user).login == "bob")
        }
    }

    @Test func endOfTheConnectionEndsTheSession() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.enter("anna")
            let principal = try world.principal(anna)

            await anna.client.close()
            await world.allLeft()

            #expect(world.service.keys.count == 0)
            #expect(!world.chat.isOnline(principal.user))
        }
    }

    // MARK: Contacts

    @Test func contactsAreAddedOnceAndListedWithTheirState() async throws {
        try await MessengerWorld.with { world in
            for login in ["bob", "carl", "#17"] { try await world.test.register(login) }
            let anna = try await world.enter("anna")
            let key = try #require(anna.client.key)
            #expect(try await anna.client.request(.contacts(key)) == .noContacts)

            let carl = try await world.enter("carl")
            #expect(try await anna.client.request(.addContact(key, login: "bob")) == .contactAdded(isOnline: false))
            #expect(try await anna.client.request(.addContact(key, login: "CARL")) == .contactAdded(isOnline: true))
            #expect(try await anna.client.request(.addContact(key, login: "bob")) == .contactAdded(isOnline: false))
            // Who could not be written to is not shown.
            #expect(try await anna.client.request(.addContact(key, login: "#17")) == .contactAdded(isOnline: false))

            #expect(
                try await anna.client.contacts() == [
                    MessengerContact(login: MessengerLogin("bob"), isOnline: false),
                    MessengerContact(login: MessengerLogin("carl"), isOnline: true),
                ])
            #expect(try await carl.client.contacts() == [])
        }
    }

    @Test func contactsMustBeSomebodyElse() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.enter("anna")
            let key = try #require(anna.client.key)

            #expect(try await anna.client.request(.addContact(key, login: "nobody")) == .noSuchUser)
            #expect(try await anna.client.request(.addContact(key, login: "anna")) == .refused(prefix: 4))
        }
    }

    @Test func longListComesInSeveralAnswers() async throws {
        try await MessengerWorld.with { world in
            let principal = try await world.test.register("anna").principal
            var logins: [String] = []
            for number in 0..<40 {
                logins.append("\(number)-" + String(repeating: "x", count: 200))
                try await world.test.register(logins[number])
                _ = try await world.chat.addContact(login: logins[number], of: principal)
            }
            let socket = try await world.socket()
            var reader = MessengerUnitReader()
            try await socket.send(MessengerRequest.logIn(login: "anna", password: password).encoded())
            var listed: [String] = []
            var answers = 0

            for await bytes in socket.reads {
                let units = reader.read(bytes)
                for unit in try #require(units) {
                    #expect(unit.encoded().count <= MessengerUnit.maximumBytes)
                    switch unit {
                    case .answer(.loggedIn(let key)): try await socket.send(MessengerRequest.contacts(key).encoded())
                    case .answer(.contacts(let contacts)):
                        answers += 1
                        listed += contacts.map(\.login.text)
                    default: Issue.record("\(unit)")
                    }
                }
                if listed.count >= logins.count { break }
            }

            #expect(listed == logins)
            #expect(answers == 3)
            await socket.close()
        }
    }

    // MARK: Messages

    @Test func messageThatCannotBeDeliveredIsRefused() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.enter("anna")
            let bob = try await world.test.register("bob").principal
            let key = try #require(anna.client.key)
            let group = try await world.test.createFlow(members: [bob], by: bob)
            let channel = try await world.test.createFlow(.channel, by: bob)
            let chat = try await world.chat.directFlow(with: world.chat.person(login: "bob"), by: world.principal(anna))
            var recipients: [MessengerRecipient] = [.login("nobody"), .login("anna"), .login(""), .group(0)]
            recipients.append(.group(try await world.chat.flow(group, for: bob).id.rawValue))
            recipients.append(.group(try await world.chat.flow(channel, for: bob).id.rawValue))
            recipients.append(.group(chat.id.rawValue))

            for recipient in recipients {
                #expect(
                    try await anna.client.request(.send(key, to: recipient, text: "Hi")) == .refused(prefix: 6))
            }

            // It was understood, so the connection stays.
            try await anna.send("Hi", to: "bob")
            #expect(try await world.texts(between: bob, and: "anna") == ["Hi"])
        }
    }

    @Test func messagesAndOtherRequestsAreDoneInTheirOrder() async throws {
        try await MessengerWorld.with { world in
            try await world.test.register("bob")
            let anna = try await world.enter("anna")
            let principal = try world.principal(anna)
            for number in 0..<100 { try await anna.client.send("\(number)", to: "bob") }
            try await anna.client.send("", to: "bob")

            try await anna.client.logOut()

            #expect(try await world.texts(between: principal, and: "bob") == (0..<100).map(String.init))
            #expect(anna.client.takeRefusals() == 0)
        }
    }

    @Test func storeThatFailsIsNoReasonToClose() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.enter("anna")
            try await world.test.register("bob")
            let key = try #require(anna.client.key)
            world.chat.close()

            for _ in 0..<4 {
                #expect(
                    try await anna.client.request(.addContact(key, login: "bob")) == .refused(prefix: 4))
            }
            #expect(try await anna.client.contacts() == [])
        }
    }
}
