// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import FastChat
import Storage
import TestClient
import Testing
import Transport

/// Registration, log in, log out, and who is not let in.
@Suite(.timeLimit(.minutes(10))) struct FastChatLogInTests {
    private static let password = ChatUnderTest.password

    private func register(_ world: FastChatWorld, _ number: Int64, sign: String? = nil) throws -> FastChatRequest {
        .register(
            FastChatUserNumber(number), password: Self.password,
            publicKey: try FastChatWorld.keys.get()[0].publicKey.pem, sign: sign ?? world.sign)
    }

    /// What a new connection gets for a request, until it is closed.
    private func answer(_ world: FastChatWorld, _ request: FastChatRequest) async throws -> String {
        let socket = try await world.socket()
        try await socket.send(request.encoded())
        var bytes: [UInt8] = []
        for await read in socket.reads { bytes += read }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The first unit that a new connection gets.
    private func firstUnit(_ world: FastChatWorld, _ request: FastChatRequest) async throws -> String? {
        let socket = try await world.socket()
        try await socket.send(request.encoded())
        let unit = await socket.reads.first { _ in true }
        await socket.close()
        return unit.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func repliesAreWordForWordThoseOfTheSourceSystem() async throws {
        try await FastChatWorld.with { world in
            let registered = try await firstUnit(world, register(world, 7))
            let taken = try await answer(world, register(world, 7))
            let loggedIn = try await firstUnit(world, .logIn(7, password: Self.password, sign: world.sign))
            let wrong = try await answer(world, .logIn(7, password: "wrong", sign: world.sign))
            let unknown = try await answer(world, .logIn(8, password: Self.password, sign: world.sign))
            let empty = try await answer(world, .logIn(7, password: "", sign: world.sign))

            func reply(_ message: String, _ response: Int) -> String {
                #"{"type":"server reply","server_message":"\#(message)","response":\#(response)}"#
            }
            #expect(registered == reply("Registered and Connected", 0))
            #expect(taken == reply("User already present! Choose different username", 1))
            #expect(loggedIn == reply("Succesful Login!", 0))
            #expect(wrong == reply("Invalid Login! Authentication failed.", 1))
            #expect(unknown == wrong)
            #expect(empty == wrong)
        }
    }

    @Test func registeredUsersHaveTheirNumberAsLogin() async throws {
        try await FastChatWorld.with { world in
            let member = try await world.register(7)

            let person = try await world.chat.person(login: "7")

            #expect(person.publicNumber == 7)
            #expect(member.client.number == 7)
            #expect(try await member.client.key(of: 7) == FastChatWorld.keys.get()[3].publicKey)
        }
    }

    @Test func signaturesOfOtherAddressesAreRefusedWithoutAWord() async throws {
        try await FastChatWorld.with { world in
            let stranger = try FastChatWorld.keys.get()[1].signature(of: "127.0.0.1\(world.port)")

            for sign in ["", "c2ln", stranger] {
                #expect(try await answer(world, register(world, 7, sign: sign)) == "")
                #expect(try await answer(world, .logIn(7, password: Self.password, sign: sign)) == "")
            }
            await #expect(throws: ChatError.noSuchUser) { try await world.chat.person(login: "7") }
        }
    }

    @Test func nobodyLogsInWhileTheOwnAddressIsUnknown() async throws {
        try await FastChatWorld.with(knowsAddress: false) { world in
            let answer = try await answer(world, register(world, 7))

            #expect(answer == "")
        }
    }

    @Test(arguments: [ChatPolicy.Registration.closed, .invite])
    func registrationIsRefusedUnlessItIsOpen(_ mode: ChatPolicy.Registration) async throws {
        var policy = ChatPolicy()
        policy.registration = mode
        try await FastChatWorld.with(policy: policy) { world in
            let answer = try await answer(world, register(world, 7))

            #expect(answer.contains("administrator") && answer.hasSuffix(#""response":1}"#))
        }
    }

    @Test func numbersOfOthersCannotBeChosen() async throws {
        try await FastChatWorld.with { world in
            let answer = try await answer(world, register(world, 1_000_000_000))

            #expect(answer.contains("less than 1000000000") && answer.hasSuffix(#""response":1}"#))
            #expect(try await firstUnit(world, register(world, 999_999_999))?.contains("Registered") == true)
        }
    }

    @Test func keysThatCannotBeUsedAreRefused() async throws {
        try await FastChatWorld.with { world in
            for pem in ["", "no key", "-----BEGIN RSA PUBLIC KEY-----\nMIGJ\n-----END RSA PUBLIC KEY-----\n"] {
                let answer = try await answer(
                    world, .register(7, password: Self.password, publicKey: pem, sign: world.sign))

                #expect(answer.contains("public_key") && answer.hasSuffix(#""response":1}"#))
            }
            await #expect(throws: ChatError.noSuchUser) { try await world.chat.person(login: "7") }
        }
    }

    @Test func tooManyFailedLogInsAreSlowedDown() async throws {
        try await FastChatWorld.with { world in
            for _ in 0..<6 { _ = try await answer(world, .logIn(7, password: "wrong", sign: world.sign)) }

            let answer = try await answer(world, .logIn(7, password: "wrong", sign: world.sign))

            #expect(answer.contains("too many failed logins") && answer.hasSuffix(#""response":1}"#))
        }
    }

    @Test func nothingIsDoneBeforeTheLogIn() async throws {
        try await FastChatWorld.with { world in
            let socket = try await world.socket()
            try await socket.send(FastChatRequest.userKey(7, from: 7).encoded())

            let unit = try #require(await socket.reads.first { _ in true })

            guard case .items(let items) = try FastChatServerUnit(decoding: unit),
                case .notice(let notice, let time)? = items.first
            else {
                Issue.record("\(String(decoding: unit, as: UTF8.self))")
                return
            }
            #expect(notice == .refused("log in first"))
            #expect(time == "2023-11-14 22:13:20.000")
            try await socket.send(register(world, 7).encoded())
            let reply = try #require(await socket.reads.first { _ in true })
            #expect(try FastChatServerUnit(decoding: reply) == .reply(.registered))
            await socket.close()
        }
    }

    @Test func aSecondLogInOnAConnectionIsRefused() async throws {
        try await FastChatWorld.with { world in
            let member = try await world.register(7)

            try await member.client.send(.logIn(7, password: Self.password, sign: world.sign))

            #expect(await member.notices(1) == ["Request refused: you are logged in already"])
        }
    }

    @Test func closeAndLogOutEndTheConnectionAndTheSession() async throws {
        try await FastChatWorld.with { world in
            #expect(try await answer(world, .close) == "")
            let member = try await world.register(7)
            let principal = try await world.principal(7)
            #expect(world.chat.hub.isConnected(principal.user))

            try await member.client.logOut()

            #expect(await member.event() == nil)
            await world.registry.allClosed()
            #expect(!world.chat.hub.isConnected(principal.user))
        }
    }

    @Test func aRevokedSessionEndsItsConnection() async throws {
        try await FastChatWorld.with { world in
            let member = try await world.register(7)
            let user = try await world.chat.person(publicNumber: 7).id

            _ = try await world.chat.write(Write.RevokeSessions(user, nil), by: nil)

            #expect(await member.notices(2) == ["The session was ended by the server."])
        }
    }

    @Test func whoDoesNotLogInIsDisconnected() async throws {
        var options = FastChatWorld.quick
        options.logInTimeout = .milliseconds(20)
        try await FastChatWorld.with(options) { world in
            let socket = try await world.socket()
            // It may be over before this.
            try? await socket.send(Array("{".utf8))

            #expect(await socket.reads.first { _ in true } == nil)
        }
    }

    @Test func accountsOfOtherProtocolsReadInClear() async throws {
        try await FastChatWorld.with { world in
            let (_, number) = try await world.registerElsewhere("anna")
            #expect(number >= 1_000_000_000)
            let seven = try await world.register(7)
            let anna = try await world.logIn(number)

            try await seven.client.send("hello", to: FastChatUserNumber(number))
            #expect(await anna.notices(1) == ["7: hello"])
            try await anna.client.send("hello yourself", to: 7)
            #expect(await seven.messages(1) == ["\(number): hello yourself"])
        }
    }
}
