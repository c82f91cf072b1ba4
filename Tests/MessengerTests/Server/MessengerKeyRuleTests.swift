// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Storage
import TestClient
import TestSupport
import Testing
import Transport

@testable import Messenger

/// Which keys are good, what closes a connection, and what a revoked session does.
@Suite(.timeLimit(.minutes(10))) struct MessengerKeyRuleTests {
    @Test func keyIsGoodOnItsConnectionOnly() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.enter("anna")
            let other = try await world.connect()
            let key = try #require(anna.client.key)

            #expect(try await other.request(.contacts(key)) == .refused(prefix: 3))
            #expect(try await other.request(.logOut(key)) == .refused(prefix: 2))
            #expect(try await anna.client.contacts() == [])
        }
    }

    @Test func keyIsGoodOnAnyConnectionOnDemand() async throws {
        var options = MessengerWorld.quick
        options.allowsKeyOnAnyConnection = true
        try await MessengerWorld.with(options) { world in
            let bob = try await world.enter("bob")
            let anna = try await world.enter("anna")
            let other = try await world.connect()
            let key = try #require(anna.client.key)

            #expect(try await other.request(.addContact(key, login: "bob")) == .contactAdded(isOnline: true))
            try await other.connection.send(
                MessengerRequest.send(key, to: .login("bob"), text: "from afar").encoded())
            #expect(await bob.messages(1) == ["anna: from afar"])
            // Pushes go to the connection that logged in.
            try await bob.send("back", to: "anna")
            #expect(await anna.messages(1) == ["bob: back"])

            #expect(try await other.request(.logOut(key)) == .loggedOut)

            #expect(try await other.request(.contacts(key)) == .refused(prefix: 3))
            #expect(try await anna.client.request(.contacts(key)) == .refused(prefix: 3))
            #expect(world.service.keys.count == 1)
        }
    }

    /// The connection that asks is not that of the session: nothing closes it.
    @Test func contactsThatAreReadWhileTheSessionIsRevokedAreNotShown() async throws {
        var options = MessengerWorld.quick
        options.allowsKeyOnAnyConnection = true
        try await MessengerWorld.with(options) { world in
            _ = try await world.enter("bob")
            let anna = try await world.enter("anna")
            _ = try await anna.client.add("bob")
            let key = try #require(anna.client.key)
            let user = try world.principal(anna).user
            let other = try await world.connect()
            let chat = world.chat

            world.test.engine.beforeNextRead { _ = try? await chat.write(Write.RevokeSessions(user, nil), by: nil) }

            #expect(try await other.request(.contacts(key)) == .refused(prefix: 3))
        }
    }

    @Test func keysOfAllWhoAreSignedInDiffer() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.enter("anna")
            let holder = try #require(anna.client.key.flatMap { world.service.keys.holder(of: $0) })
            // Draws each number twice.
            struct Stutterer: RandomNumberGenerator {
                var source = SeededGenerator(seed: 7)
                var last: UInt64?

                mutating func next() -> UInt64 {
                    if let last {
                        self.last = nil
                        return last
                    }
                    let number = source.next()
                    last = number
                    return number
                }
            }
            var random = Stutterer()

            let keys = (0..<100).map { _ in world.service.keys.issue(to: holder, using: &random) }

            #expect(Set(keys).count == keys.count)
            for key in keys { world.service.keys.withdraw(key) }
            #expect(world.service.keys.count == 1)
        }
    }

    @Test func keysAreComparedWhole() {
        let key = WireSample.key(0x0106_FF00)

        #expect(key.matches(WireSample.key(0x0106_FF00)))
        for other in [0x0106_FF01, 0x8106_FF00, 0x0107_FF00, 0x0106_FE00] as [UInt32] {
            #expect(!key.matches(WireSample.key(other)))
        }
    }

    // MARK: Bad requests

    @Test(
        arguments: [
            [0x07], [0x00, 0x61], [0x01], [0x03, 1, 2, 3, 0x0D], [0x06, 1, 2, 3, 4, 0x0D, 0x61],
            [0x04, 1, 2, 3, 4, 0x0D, 0xFF],
            [0x03, 1, 2, 3, 4],
        ] as [[UInt8]])
    func threeRefusedRequestsInARowClose(request: [UInt8]) async throws {
        try await MessengerWorld.with { world in
            let socket = try await world.socket()
            var reads = socket.reads.makeAsyncIterator()

            for _ in 0..<3 {
                try await socket.send(request)
                #expect(await reads.next() == [request[0], 0xFF])
            }

            #expect(await reads.next() == nil)
            #expect(await becomesTrue { world.service.inboundBudget.usedBytes == 0 })
        }
    }

    @Test func goodRequestBetweenBadOnesCounts() async throws {
        try await MessengerWorld.with { world in
            let socket = try await world.socket()
            var reads = socket.reads.makeAsyncIterator()

            for _ in 0..<3 {
                for _ in 0..<2 {
                    try await socket.send([0x09, 0x01])
                    #expect(await reads.next() == [0x09, 0xFF])
                }
                try await socket.send(MessengerRequest.logIn(login: "nobody", password: "pw").encoded())
                #expect(await reads.next() == [0x01, 0x01])
            }
            await socket.close()
        }
    }

    @Test func requestOverTheLimitIsRefused() async throws {
        var options = MessengerWorld.quick
        options.maximumBytes = 1000
        try await MessengerWorld.with(options) { world in
            let anna = try await world.enter("anna")
            try await world.test.register("bob")
            let key = try #require(anna.client.key)
            let text = String(repeating: "a", count: 1000)

            #expect(
                try await anna.client.request(.send(key, to: .login("bob"), text: text)) == .refused(prefix: 6))
            #expect(try await world.texts(between: world.principal(anna), and: "bob") == [])
        }
    }

    @Test func inputOfAllConnectionsTogetherIsBounded() async throws {
        var options = MessengerWorld.quick
        options.gatherTime = .milliseconds(500)
        try await MessengerWorld.with(options, inboundBytes: 1000) { world in
            let socket = try await world.socket()
            var reads = socket.reads.makeAsyncIterator()

            try await socket.send([0x00] + [UInt8](repeating: 0x61, count: 2000))

            #expect(await reads.next() == nil)
            #expect(await becomesTrue { world.service.inboundBudget.usedBytes == 0 })
        }
    }

    @Test func noiseHarmsNobody() async throws {
        try await MessengerWorld.with { world in
            let bob = try await world.enter("bob")
            let anna = try await world.enter("anna")
            let key = try #require(anna.client.key)
            var generator = SeededGenerator(seed: 42)
            var sockets: [MessengerSocket] = []

            for number in 0..<40 {
                let socket = try await world.socket()
                sockets.append(socket)
                // Truncated traffic with a key of somebody else, then noise.
                let sample = MessengerRequest.send(key, to: .login("bob"), text: "stolen").encoded()
                var bytes = Array(sample.prefix(number))
                for _ in 0..<Int.random(in: 0...3000, using: &generator) {
                    bytes.append(UInt8.random(in: 0...(number.isMultiple(of: 2) ? 6 : 255), using: &generator))
                }
                try? await socket.send(bytes)
                await socket.endOutput()
            }
            // Each gets its refusals and is closed.
            for socket in sockets { for await _ in socket.reads {} }

            try await anna.send("all is well", to: "bob")
            #expect(await bob.messages(1) == ["anna: all is well"])
            #expect(await becomesTrue { world.service.inboundBudget.usedBytes == 0 })
            #expect(world.service.keys.count == 2)
        }
    }

    // MARK: Sessions

    @Test func revokedSessionIsClosed() async throws {
        try await MessengerWorld.with { world in
            let first = try await world.enter("anna")
            let second = try await world.enter("anna")
            let principal = try world.principal(first)

            _ = try await world.chat.write(Write.RevokeSessions(principal.user, principal.session), by: nil)

            #expect(await first.push() == nil)
            #expect(try await second.client.contacts() == [])
            #expect(world.service.keys.count == 1)
        }
    }

    /// Units leave one after the other: those that wait when the session ends would be read for seconds.
    @Test func revokedSessionGetsNothingThatWaits() async throws {
        var options = MessengerWorld.quick
        options.spacing = .seconds(1)
        try await MessengerWorld.with(options) { world in
            let author = try await world.test.register("anna").principal
            let bob = try await world.enter("bob")
            let principal = try world.principal(bob)
            let flow = try await world.chat.directFlow(with: world.chat.person(login: "bob"), by: author).uuid
            for text in ["one", "two", "three"] {
                try await world.test.send(text, to: flow, by: author)
            }
            #expect(await bob.messages(1) == ["anna: one"])

            _ = try await world.chat.write(Write.RevokeSessions(principal.user, principal.session), by: nil)

            #expect(await bob.push() == nil)
        }
    }

    @Test func deletedAccountIsClosedEverywhere() async throws {
        try await MessengerWorld.with { world in
            let devices = [try await world.enter("anna"), try await world.enter("anna")]
            let principal = try world.principal(devices[0])

            _ = try await world.chat.write(Write.DeleteUser(principal.user), by: nil)

            for device in devices { #expect(await device.push() == nil) }
            await world.allLeft()
            #expect(world.service.keys.count == 0)
        }
    }

    @Test func stoppedServerLetsWhatIsInFlightFinish() async throws {
        try await MessengerWorld.with { world in
            let bob = try await world.test.register("bob").principal
            let anna = try await world.enter("anna")
            try await anna.send("one", to: "bob")
            world.test.engine.hold()
            try await anna.client.send("two", to: "bob")
            await world.test.engine.writeIsHeld()

            await world.stop()
            world.test.engine.release()

            #expect(await anna.push() == nil)
            #expect(try await world.texts(between: bob, and: "anna") == ["one", "two"])
        }
    }

    // MARK: Errors

    @Test func everyFailureHasAnAnswer() {
        #expect(MessengerAnswer(.loginTaken, to: .signUp) == .loginTaken)
        for error in [ChatError.registrationClosed, .inviteNeeded, .inviteInvalid] {
            #expect(MessengerAnswer(error, to: .signUp) == .signUpRefused)
        }
        #expect(MessengerAnswer(.accountDeleted, to: .logIn) == .noSuchLogin)
        #expect(MessengerAnswer(.tooManyAttempts(seconds: 3), to: .logIn) == .wrongPassword)
        #expect(MessengerAnswer(.tooLong(field: "password", limit: 1), to: .logIn) == .wrongPassword)
        #expect(MessengerAnswer(.noSuchUser, to: .addContact) == .noSuchUser)
        #expect(MessengerAnswer(.noSuchUser, to: .send) == .refused(prefix: 6))
        for code in [MessengerCode.signUp, .logIn, .logOut, .contacts, .addContact, .send] {
            for error in [ChatError.busy, .readOnly, .storageUnavailable, .outcomeUnknown, .internalFailure] {
                #expect(MessengerAnswer(error, to: code) == .refused(prefix: code.rawValue))
            }
        }
    }
}
