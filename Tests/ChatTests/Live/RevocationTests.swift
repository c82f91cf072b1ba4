// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Credentials
import Synchronization
import Testing

@testable import Chat
@testable import Storage

/// What was revoked, or has expired, ends: whatever fails, and whoever else makes noise.
@Suite(.timeLimit(.minutes(10))) struct RevocationTests {
    private static func attach(_ principal: Principal, to chat: Chat) -> RecordingConnection {
        let connection = RecordingConnection()
        chat.hub.attach(connection, principal: principal, wantsNews: false)
        return connection
    }

    @Test func aCheckThatFailedIsRepeated() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let connection = Self.attach(alice, to: test.chat)

            _ = try await test.chat.write(Write.RevokeSessions(alice.user, nil), by: nil)
            await connection.revocation()
            // The check is the next read.
            test.engine.failNextReads(1)
            test.chat.revocations.note([alice.user])

            await connection.revocation()
        }
    }

    /// Neither a read of the store nor a queue comes between.
    @Test func whatThisProcessRevokesEndsBeforeItIsAnswered() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let desk = try await test.logIn("alice").principal
            let bob = try await test.register("bob").principal
            let connections = [alice, desk, bob].map { Self.attach($0, to: test.chat) }
            test.engine.failNextReads(1000)

            _ = try await test.chat.write(Write.RevokeSessions(alice.user, alice.session), by: nil)
            #expect(connections.map(\.revoked) == [[alice.session], [], []])

            test.chat.hub.detach(connections[0])
            _ = try await test.chat.write(Write.RevokeSessions(alice.user, nil), by: nil)
            #expect(connections.map(\.revoked) == [[alice.session], [desk.session], []])

            _ = try await test.chat.write(Write.DeleteUser(bob.user), by: nil)
            #expect(connections.map(\.revoked) == [[alice.session], [desk.session], [bob.session]])
            test.engine.failNextReads(0)
        }
    }

    /// A session that was opened when all others had ended stays.
    @Test func aLaterSessionIsNotEnded() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let later = try await test.logIn("alice").principal
            let connections = [alice, later].map { Self.attach($0, to: test.chat) }
            let end = LogEvent(
                position: Position(9), time: Timestamp(seconds: 1), uuid: Identifier(9), kind: .session,
                subject: alice.user.rawValue, content: LogEvent.sessionsEnded(0...alice.session.rawValue))

            test.chat.revocations.committed([end], in: test.chat.hub)

            #expect(connections.map(\.revoked) == [[alice.session], []])
        }
    }

    @Test func anAccountIsOneQueryHoweverManyConnectionsItHas() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            var connections: [RecordingConnection] = []
            for _ in 0..<20 {
                connections.append(Self.attach(try await test.logIn("alice").principal, to: test.chat))
            }
            _ = try await test.chat.write(Write.RevokeSessions(alice.user, nil), by: nil)
            for connection in connections { await connection.revocation() }
            let before = test.engine.reads

            test.chat.revocations.note([alice.user])
            for connection in connections { await connection.revocation() }

            #expect(test.engine.reads - before == 1)
        }
    }

    @Test func onlyTheConnectionsOfTheRevokedSessionAreTold() async throws {
        try await ChatUnderTest.with { test in
            let phone = try await test.register("alice").principal
            let desk = try await test.logIn("alice").principal
            let connections = [Self.attach(phone, to: test.chat), Self.attach(desk, to: test.chat)]

            _ = try await test.chat.write(Write.RevokeSessions(phone.user, phone.session), by: nil)
            await connections[0].revocation()
            test.chat.hub.detach(connections[0])
            _ = try await test.chat.write(Write.RevokeSessions(desk.user, desk.session), by: nil)
            await connections[1].revocation()

            #expect(connections.map(\.revoked) == [[phone.session], [desk.session]])
        }
    }

    /// The check of one account stands still while that of another one goes on.
    @Test func oneAccountsChecksDoNotDelayAnothers() async throws {
        try await ChatUnderTest.with { test in
            let noisy = try await test.register("noisy").principal
            let bob = try await test.register("bob").principal
            let noise = Self.attach(noisy, to: test.chat)
            let connection = Self.attach(bob, to: test.chat)
            let (passes, pass) = AsyncStream.makeStream(of: Void.self)
            let (arrivals, arrive) = AsyncStream.makeStream(of: Void.self)

            test.engine.afterNextRead {
                arrive.yield()
                for await _ in passes { return }
            }
            for user in [noisy.user, bob.user] {
                _ = try await test.chat.write(Write.RevokeSessions(user, nil), by: nil)
            }
            await noise.revocation()
            await connection.revocation()
            test.chat.revocations.note([noisy.user])
            for await _ in arrivals { break }
            for _ in 0..<50 { test.chat.revocations.note([noisy.user]) }
            // Of an account there is one check at a time but for what came since it began: places for others are left.
            test.chat.revocations.note([bob.user])
            await connection.revocation()

            pass.yield()
            await noise.revocation()
        }
    }

    // MARK: Expiry

    @Test func connectionsOfExpiredSessionsAreTold() async throws {
        try await ChatUnderTest.with(policy: ChatPolicy(tokenLifetimeSeconds: 60)) { test in
            let first = try await test.register("alice").principal
            test.wallClock.advance(milliseconds: 30_000)
            let second = try await test.logIn("alice").principal
            let connections = [Self.attach(first, to: test.chat), Self.attach(second, to: test.chat)]

            test.wallClock.advance(milliseconds: 30_000)
            await connections[0].revocation()
            #expect(test.chat.isExpired(first) && !test.chat.isExpired(second))
            #expect(connections[1].revoked == [])
            test.chat.hub.detach(connections[0])

            test.wallClock.advance(milliseconds: 30_000)
            await connections[1].revocation()
            #expect(connections.map(\.revoked) == [[first.session], [second.session]])
        }
    }

    @Test func anExpiredConnectionIsNamedOnce() async throws {
        try await ChatUnderTest.with(running: false) { test in
            let hub = test.chat.hub
            let connections = (0..<3).map { _ in RecordingConnection() }
            for (number, connection) in connections.enumerated() {
                let principal = Principal(
                    user: UserID(1), uuid: Identifier(UInt128(1)), session: SessionID(Int64(number)),
                    expires: Timestamp(seconds: Int64(100 * (number + 1))))
                hub.attach(connection, principal: principal, wantsNews: false)
            }
            func expired(at seconds: Int64) -> [Int64] {
                hub.expired(at: Timestamp(seconds: seconds)).map(\.0.rawValue).sorted()
            }

            #expect(expired(at: 99) == [])
            #expect(expired(at: 200) == [0, 1])
            hub.detach(connections[0])
            hub.detach(connections[1])
            #expect(expired(at: 299) == [])
            #expect(expired(at: 300) == [2])
        }
    }

    // MARK: A long queue of deliveries

    /// Deliveries that stand still, as when hundreds of batches wait, do not keep a revocation back.
    @Test(arguments: StorageKind.engines)
    func aRevocationByThisProcessDoesNotWaitForDeliveries(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind, running: false) { test in
            let chat = test.chat
            try await withThrowingTaskGroup(of: Void.self) { group in
                // Only these two work: nobody takes a batch of the deliveries.
                group.addTask { await chat.writer.run() }
                group.addTask { await chat.revocations.run(for: chat) }
                defer { chat.close() }
                let alice = try await test.register("alice").principal
                let connection = Self.attach(alice, to: chat)

                _ = try await chat.write(Write.RevokeSessions(alice.user, nil), by: nil)
                await connection.revocation()

                #expect(connection.revoked == [alice.session])
                #expect(chat.delivery.waitingBatches >= 2)
            }
        }
    }

    // MARK: Other processes

    /// A server whose deliveries stand still learns of a revocation all the same.
    @Test(arguments: StorageKind.shared)
    func aRevocationByAnotherProcessDoesNotWaitForDeliveries(on kind: StorageKind) async throws {
        var policy = ChatPolicy()
        policy.sharesStore = true
        let shared = policy
        try await ChatUnderTest.with(kind, policy: policy) { test in
            let logIn = try await test.register("alice")
            try await test.withOtherServer(policy: shared) { other in
                let token = TokenHash(of: logIn.token)
                let connection = Self.attach(logIn.principal, to: other)
                // Of the other server only this works; nobody takes a batch of its deliveries.
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await other.revocations.run(for: other) }
                    _ = try? await other.principal(uuid: logIn.principal.uuid, token: token)

                    _ = try? await test.chat.write(Write.RevokeSessions(logIn.principal.user, nil), by: nil)
                    await connection.revocation()

                    // What it remembered of the session is forgotten, too.
                    await #expect(throws: ChatError.tokenRevoked) {
                        _ = try await other.principal(uuid: logIn.principal.uuid, token: token)
                    }
                    other.revocations.finish()
                }
            }
        }
    }
}
