// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

/// A row number that people or caches may know is never given to something else.
struct RowNumberTests {
    @Test(arguments: StorageKind.available)
    func aDeletedFlowsNumberIsNotGivenAgain(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            var given: [FlowID] = []
            for _ in 0..<3 {
                let flow = try await test.createFlow(owner: alice)
                given.append(flow)
                try await test.done(Write.DeleteFlow(flow), by: alice)
                while try await !test.storage.purgeDeletedFlows() {}
            }

            #expect(given == given.sorted())
            #expect(Set(given).count == 3)
        }
    }

    @Test(arguments: StorageKind.available)
    func aSessionsNumberIsNotGivenAgain(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            var given: [Int64] = []
            for number in 0..<3 {
                let session = NewSession(
                    tokenHash: [UInt8](repeating: UInt8(number), count: 32), protocol: "mtp", address: "192.0.2.1",
                    lifetimeSeconds: 1)
                given.append(try await test.done(Write.OpenSession(alice, session)).result.rawValue)
                test.clock.advance(milliseconds: 10_000)
                #expect(try await test.storage.removeSessions(expiredBefore: test.clock.now) == 1)
            }

            #expect(given == given.sorted())
            #expect(Set(given).count == 3)
        }
    }

    /// A batch that fails is repeated write by write; a refused write gives no number away twice.
    @Test(arguments: StorageKind.available)
    func aFailedWriteGivesNoNumberTwice(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let first = test.newFlow(owner: alice)
            let batch = try await test.storage.commit([
                test.write(Write.CreateFlow(first), by: alice), test.write(Write.CreateFlow(first), by: alice),
                test.write(Write.CreateFlow(test.newFlow(owner: alice)), by: alice),
            ])

            #expect(batch.outcomes[1].failure != nil)
            let made = [try batch.outcomes[0].receipt.flowID, try batch.outcomes[2].receipt.flowID]
            let last = try await test.createFlow(owner: alice)
            #expect(Set(made + [last]).count == 3)
        }
    }

    /// What the log of an older database remembers of deleted flows counts.
    @Test(arguments: StorageKind.available)
    func numbersOfAnOlderDatabaseGoOn(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind, migrated: false) { test in
            try await test.storage.engine.write { [storage = test.storage] connection in
                for migration in storage.engine.dialect.migrations.prefix(2) {
                    for statement in migration.statements { try connection.execute(statement) }
                    try connection.execute(
                        "INSERT INTO migrations (identifier, applied_ms) VALUES ($1, 1)", [.text(migration.identifier)])
                }
                for (id, login) in [(1, "alice"), (2, "bob")] as [(Int64, String)] {
                    _ = try connection.execute(
                        """
                        INSERT INTO users (uuid, login, login_key, username, hash_password, is_bot, is_hidden, email,
                            avatar, bio, created_ms)
                        VALUES ($1, $2, $2, '', 'h', 0, 0, '', '', '', 5)
                        """, [SQLValue(Identifier(UInt128(1000 + id))), .text(login)])
                }
                for statement in [
                    """
                    INSERT INTO flows (uuid, flow_type, title, info, owner_id, is_public, created_ms, event_count,
                        message_count, head_position)
                    SELECT uuid, 'group', 'old', '', id, 0, 5, 0, 0, 4 FROM users WHERE login = 'alice'
                    """,
                    "INSERT INTO flow_members (flow_id, user_id, joined_position) VALUES (1, 1, 1)",
                    "INSERT INTO flow_members (flow_id, user_id, joined_position, left_position) VALUES (1, 2, 2, 3)",
                    "UPDATE log_head SET position = 9, time_ms = 5",
                ] { _ = try connection.execute(statement) }
                _ = try connection.execute(
                    """
                    INSERT INTO events (position, uuid, type, state_key, time_ms, content)
                    VALUES (9, $1, 'flow', '41', 5, $2)
                    """, [SQLValue(Identifier(1077)), .bytes([])])
            }

            #expect(try await test.storage.migrate().first == "0003_intervals")

            #expect(
                try await test.storage.memberships(of: UserID(1), in: FlowID(1)) == [Membership(joined: Position(1))])
            #expect(
                try await test.storage.memberships(of: UserID(2), in: FlowID(1))
                    == [Membership(joined: Position(2), left: Position(3))])
            #expect(try await test.createFlow(owner: UserID(1)) == FlowID(42))
            try await test.done(Write.AddMember(FlowID(1), UserID(2)), by: UserID(1))
            #expect(try await test.storage.memberships(of: UserID(2), in: FlowID(1)).count == 2)
        }
    }
}
