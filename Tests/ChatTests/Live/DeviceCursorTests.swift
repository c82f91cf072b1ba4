// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import TestSupport
import Testing

/// Where devices go on reading that cannot say so themselves, and what they missed.
@Suite(.timeLimit(.minutes(10))) struct DeviceCursorTests {
    @Test(arguments: StorageKind.engines) func cursorsAreSavedAtTheEndAndNeverGoBack(on kind: StorageKind) async throws
    {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            try await test.withAnother(policy: ChatPolicy()) { chat in
                chat.cursors.note(people[0].user, device: "skaro 1", at: Position(5))
                chat.cursors.note(people[0].user, device: "skaro 1", at: Position(3))
                chat.cursors.note(people[0].user, device: "messenger", at: Position(4))
                chat.cursors.note(people[1].user, device: "messenger", at: Position(2))
                let start = try await chat.startPosition(of: "skaro 1", for: people[0])
                #expect(start == Position(5))
                let stored = try await test.direct.cursor(of: people[0].user, device: "skaro 1")
                #expect(stored == nil)
            }
            #expect(
                try await test.direct.cursors(of: people[0].user).map { [$0.device: $0.position] } == [
                    ["messenger": Position(4)], ["skaro 1": Position(5)],
                ])

            try await test.withAnother(policy: ChatPolicy()) { chat in
                chat.cursors.note(people[0].user, device: "skaro 1", at: Position(4))
                chat.cursors.note(people[1].user, device: "messenger", at: Position(6))
                let start = try await chat.startPosition(of: "skaro 1", for: people[0])
                #expect(start == Position(5))
            }
            #expect(try await test.chat.startPosition(of: "skaro 1", for: people[0]) == Position(5))
            #expect(try await test.chat.startPosition(of: "messenger", for: people[1]) == Position(6))
        }
    }

    /// The clients of a server that stops come to another one, which asks the store.
    @Test func cursorsAreSavedAtTheEndWhileOtherWorkIsStillUnderWay() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            test.chat.cursors.note(alice.user, device: "messenger", at: Position(7))
            // A slow read of another part of the server.
            let (reading, slow) = (Turnstile(places: 0), Turnstile(places: 0))
            test.engine.beforeNextRead {
                reading.leave()
                await slow.enter()
            }
            defer { slow.leave() }
            _ = try await test.chat.write(Write.SetLimits(alice.user, nil), by: nil)
            await reading.enter()

            test.engine.hold()
            test.chat.close()
            await test.engine.writeIsHeld()
        }
    }

    @Test func aDeviceThatComesBackWhileItsCursorIsWrittenGoesOnThere() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            test.chat.cursors.note(alice.user, device: "messenger", at: Position(7))

            test.engine.hold()
            async let saving: Void = test.chat.cursors.save()
            await test.engine.writeIsHeld()
            #expect(try await test.chat.startPosition(of: "messenger", for: alice) == Position(7))
            test.chat.cursors.note(alice.user, device: "messenger", at: Position(8))
            #expect(try await test.chat.startPosition(of: "messenger", for: alice) == Position(8))
            test.engine.release()
            await saving

            #expect(try await test.direct.cursor(of: alice.user, device: "messenger") == Position(7))
            #expect(try await test.chat.startPosition(of: "messenger", for: alice) == Position(8))
        }
    }

    @Test func whatCouldNotBeSavedIsSavedLater() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            test.chat.cursors.note(alice.user, device: "messenger", at: Position(7))

            test.engine.setOutOfReach(true)
            await test.chat.cursors.save()
            test.engine.setOutOfReach(false)
            #expect(try await test.direct.cursor(of: alice.user, device: "messenger") == nil)
            #expect(try await test.chat.startPosition(of: "messenger", for: alice) == Position(7))
            await test.chat.cursors.save()

            #expect(try await test.direct.cursor(of: alice.user, device: "messenger") == Position(7))
        }
    }

    @Test(arguments: StorageKind.engines) func aNewDeviceBeginsWithTheAccountAtMostTheBacklogBack(
        on kind: StorageKind
    ) async throws {
        var policy = ChatPolicy()
        policy.backlog = 3
        try await ChatUnderTest.with(kind, policy: policy) { test in
            let alice = try await test.register("alice").principal
            let open = try await test.createFlow(by: alice)
            try await test.send("before bob", to: open, by: alice)
            test.wallClock.advance(milliseconds: 1000)
            let bob = try await test.register("bob").principal
            func missed() async throws -> [String] {
                let start = try await test.chat.startPosition(of: "messenger", for: bob)
                let page = try await test.chat.missed(for: bob, after: start, limit: 100)
                return page.messages.map(\.message.content.text)
            }

            #expect(try await missed() == [])
            for text in ["1", "2"] { try await test.send(text, to: open, by: alice) }
            #expect(try await missed() == ["1", "2"])
            for text in ["3", "4", "5"] { try await test.send(text, to: open, by: alice) }
            #expect(try await missed() == ["3", "4", "5"])

            let last = try await test.send("6", to: open, by: alice)
            test.chat.cursors.note(bob.user, device: "messenger", at: last.receipt.position)
            try await test.send("7", to: open, by: alice)
            #expect(try await missed() == ["7"])
        }
    }

    @Test(arguments: StorageKind.engines) func whatWasMissedComesInOrderAsItIsNow(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let flows = [
                try await test.createFlow(members: [people[1]], by: people[0]),
                try await test.createFlow(by: people[0]),
                try await test.createFlow(members: [people[2]], by: people[0]),
            ]
            let old = try await test.send("old", to: flows[0], by: people[0])
            let start = try await test.chat.head()
            _ = try await test.chat.edit(old.uuid, text: "old, edited", by: people[0])
            var sent: [Sent] = []
            for number in 0..<6 { sent.append(try await test.send("\(number)", to: flows[number % 3], by: people[0])) }
            _ = try await test.chat.edit(sent[0].uuid, text: "0, edited", by: people[0])
            _ = try await test.chat.delete(sent[1].uuid, in: flows[1], by: people[0])
            let access = try await test.chat.flow(flows[0], for: people[0])
            let secret = try await test.chat.submit(
                MessageContent(text: "for all"),
                bodies: [
                    NewBody(recipient: people[0].user, body: [1], key: [2]),
                    NewBody(recipient: people[1].user, body: [3], key: [4]),
                ], to: access, by: people[0])
            _ = try await test.chat.receipt(of: secret)

            var found: [MissedMessage] = []
            var cursor = start
            while true {
                let page = try await test.chat.missed(for: people[1], after: cursor, limit: 2)
                found += page.messages
                #expect(page.messages.allSatisfy { $0.message.position <= page.cursor })
                cursor = page.cursor
                if !page.isCut { break }
            }

            #expect(
                found.map(\.message.content.text) == ["0, edited", Message.deletedText, "3", "4", "for all"])
            #expect(found.map(\.flow.uuid) == [flows[0], flows[1], flows[0], flows[1], flows[0]])
            #expect(found.map { $0.body?.body } == [nil, nil, nil, nil, [3]])
            #expect(found.last?.body?.key == [4])
            #expect(found.allSatisfy { $0.message.sender.login == "alice" })
            #expect(try await test.chat.head() == cursor)
            let history = try await test.chat.history(of: flows[0], before: nil, limit: 2, for: people[1])
            #expect(history.map(\.message.content.text) == ["3", "for all"])
            #expect(history.map { $0.body?.body } == [nil, [3]])
            let earlier = try await test.chat.history(
                of: flows[0], before: history[0].message.number, limit: 2, for: people[1])
            #expect(earlier.map(\.message.content.text) == ["old, edited", "0, edited"])
            #expect(try await test.chat.history(of: flows[0], before: 0, limit: 2, for: people[1]).isEmpty)
            await #expect(throws: ChatError.noSuchFlow) {
                try await test.chat.history(of: flows[2], before: nil, limit: 2, for: people[1])
            }
        }
    }

    // MARK: Sessions

    private static let minutes: Int64 = 300

    @Test(arguments: StorageKind.engines) func aSessionIsTakenUpAgainForAWhile(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: ChatPolicy(tokenLifetimeSeconds: 10_000)) { test in
            let alice = try await test.register("alice")
            let token = TokenHash(of: alice.token)
            func restore() async throws -> Principal {
                try await test.chat.restore(token: token, within: Self.minutes)
            }

            test.wallClock.advance(milliseconds: Self.minutes * 1000)
            #expect(try await restore() == alice.principal)
            test.wallClock.advance(milliseconds: 1)
            await #expect(throws: ChatError.tokenExpired) { try await restore() }

            // As long as a connection is there, and so long after it.
            let connection = RecordingConnection()
            test.chat.hub.attach(connection, principal: alice.principal, wantsNews: false)
            test.wallClock.advance(milliseconds: 1_000_000)
            #expect(try await restore() == alice.principal)
            test.chat.hub.detach(connection)
            test.wallClock.advance(milliseconds: Self.minutes * 1000)
            #expect(try await restore() == alice.principal)
            // The same when it was written meanwhile.
            await test.chat.cursors.save()
            #expect(try await restore() == alice.principal)
            test.wallClock.advance(milliseconds: 1)
            await #expect(throws: ChatError.tokenExpired) { try await restore() }

            // A token's own end is the end also for who is connected.
            test.chat.hub.attach(connection, principal: alice.principal, wantsNews: false)
            test.wallClock.advance(milliseconds: 9_000_000)
            await #expect(throws: ChatError.tokenExpired) { try await restore() }
            test.chat.hub.detach(connection)
        }
    }

    /// The connection broke while the clock was ahead: when that was is not known.
    @Test(arguments: StorageKind.engines) func aClockThatWasAheadStretchesNoSession(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, policy: ChatPolicy(tokenLifetimeSeconds: 1_000_000)) { test in
            let alice = try await test.register("alice")
            let connection = RecordingConnection()
            func restore() async throws -> Principal {
                try await test.chat.restore(token: TokenHash(of: alice.token), within: Self.minutes)
            }
            func comeAndGo(ahead milliseconds: Int64) async {
                test.chat.hub.attach(connection, principal: alice.principal, wantsNews: false)
                test.wallClock.advance(milliseconds: milliseconds)
                test.chat.hub.detach(connection)
                await test.chat.cursors.save()
                test.wallClock.advance(milliseconds: -milliseconds)
            }

            await comeAndGo(ahead: 86_400_000)
            await #expect(throws: ChatError.tokenExpired) { try await restore() }

            // What is seen by the right clock counts.
            await comeAndGo(ahead: 0)
            #expect(try await restore() == alice.principal)
            // A clock that was set right by a little parts nobody.
            await comeAndGo(ahead: 1_800_000)
            #expect(try await restore() == alice.principal)
            test.wallClock.advance(milliseconds: 1_800_000 + Self.minutes * 1000 + 1)
            await #expect(throws: ChatError.tokenExpired) { try await restore() }
        }
    }

    @Test(arguments: StorageKind.engines) func whatEndedIsNotTakenUpAgain(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice")
            let bob = try await test.register("bob")
            func restore(_ token: String) async throws -> Principal {
                try await test.chat.restore(token: TokenHash(of: token), within: Self.minutes)
            }
            #expect(try await restore(alice.token) == alice.principal)

            try await test.chat.logOut(alice.principal)
            _ = try await test.chat.write(Write.DeleteUser(bob.principal.user), by: nil)

            await #expect(throws: ChatError.tokenRevoked) { try await restore(alice.token) }
            await #expect(throws: ChatError.accountDeleted) { try await restore(bob.token) }
            await #expect(throws: ChatError.tokenUnknown) { try await restore("no such token") }
        }
    }
}
