// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Synchronization
import Testing

@testable import Chat
@testable import Storage

/// When cursors are written: at the end of a connection at once, and many ends together.
@Suite(.timeLimit(.minutes(10))) struct CursorSavingTests {
    /// Runs `body` with cursors that are written for no other reason than the end of connections.
    private static func with(
        _ kind: StorageKind = .sqliteMemory, _ body: (ChatUnderTest, DeviceCursors) async throws -> Void
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            let cursors = DeviceCursors(
                storage: test.storage, node: NodeIdentity(), savePause: .seconds(3600), logger: test.chat.logger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await cursors.run() }
                defer { cursors.finish() }
                try await body(test, cursors)
            }
        }
    }

    private static func stored(_ position: Position, of principal: Principal, in test: ChatUnderTest) async throws {
        while try await test.direct.cursor(of: principal.user, device: "messenger") != position { await Task.yield() }
    }

    @Test(arguments: StorageKind.engines) func cursorIsWrittenWhenItsConnectionEnds(on kind: StorageKind) async throws {
        try await Self.with(kind) { test, cursors in
            let alice = try await test.register("alice").principal
            cursors.note(alice.user, device: "messenger", at: Position(7))

            cursors.noteLeft(alice.session, of: alice.user)

            // As another server would look for it.
            try await Self.stored(Position(7), of: alice, in: test)
            #expect(try await test.direct.sessions(of: alice.user).first?.node == .unknown)
        }
    }

    @Test func detachingIsTheEndOfAConnection() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let connection = RecordingConnection()
            test.chat.hub.attach(connection, principal: alice, wantsNews: true)
            await test.chat.cursors.save()
            let writes = Atomic(0)
            test.engine.hold()
            test.chat.cursors.note(alice.user, device: "messenger", at: Position(7))

            test.chat.hub.detach(connection)

            await test.engine.writeIsHeld()
            test.engine.beforeEachWrite { writes.add(1, ordering: .relaxed) }
            test.engine.release()
            try await Self.stored(Position(7), of: alice, in: test)
            #expect(writes.load(ordering: .relaxed) == 1)
        }
    }

    @Test func manyEndsAreFewTransactions() async throws {
        try await Self.with { test, cursors in
            let count = 10_000
            let people = try await test.registerAll("alice", "bob")
            let writes = Atomic(0)
            test.engine.hold()
            cursors.note(people[0].user, device: "messenger", at: Position(1))
            cursors.noteLeft(people[0].session, of: people[0].user)
            await test.engine.writeIsHeld()
            test.engine.beforeEachWrite { writes.add(1, ordering: .relaxed) }

            for number in 0..<count {
                cursors.note(people[1].user, device: "session \(number)", at: Position(3))
                cursors.noteLeft(SessionID(Int64(1000 + number)), of: people[1].user)
            }
            cursors.note(people[1].user, device: "messenger", at: Position(5))
            cursors.noteLeft(people[1].session, of: people[1].user)
            test.engine.release()

            try await Self.stored(Position(5), of: people[1], in: test)
            while try await test.direct.cursors(of: people[1].user).count < count + 1 { await Task.yield() }
            // No transaction has more than 1,000.
            #expect(writes.load(ordering: .relaxed) == 1 + (count + 1000) / 1000)
        }
    }
}
