// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import StorageSQLite
import Synchronization
import Testing

@testable import Storage

/// The time of transactions is counted by what they are for.
struct QueryTimeTests {
    /// A millisecond passes between two readings.
    private final class SteppingClock: Clock {
        private let time = Mutex(ContinuousClock.now)
        var now: ContinuousClock.Instant {
            time.withLock { time in
                time += .milliseconds(1)
                return time
            }
        }
        var minimumResolution: Duration { .zero }
        func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {}
    }

    /// What an observer was told.
    private final class Seen: Sendable {
        private let all = Mutex<[(QueryKind, Duration)]>([])
        func note(_ kind: QueryKind, _ duration: Duration) { all.withLock { $0.append((kind, duration)) } }

        /// What came since the last call.
        func take() -> [(kind: QueryKind, duration: Duration)] {
            all.withLock { all in
                defer { all = [] }
                return all.map { (kind: $0.0, duration: $0.1) }
            }
        }
    }

    private func origin(_ number: UInt64, by author: UserID? = nil) -> WriteOrigin {
        WriteOrigin(uuid: Identifier(UInt128(number)), author: author)
    }

    @Test func eachTransactionIsToldOnceWithItsKindAndTime() async throws {
        let seen = Seen()
        let storage = Storage(
            engine: try SQLiteEngine(.memory, create: true), clock: SteppingClock(), observer: seen.note,
            now: { Timestamp(seconds: 1) })
        _ = try await storage.migrate()
        #expect(seen.take().isEmpty, "migrations take what they take")
        let user = NewUser(
            uuid: Identifier(1), login: "alice", loginKey: "alice", username: "", passwordHash: "")

        let created = try await storage.commit([Write(Write.CreateUser(user), by: origin(2))])
        let committed = seen.take()
        let alice = try await storage.user(loginKey: "alice")
        let found = seen.take()

        #expect(created.outcomes.count == 1 && alice?.login == "alice")
        #expect(committed.map(\.kind) == [.commit])
        #expect(found.map(\.kind) == [.accounts])
        for one in committed + found { #expect(one.duration == .milliseconds(1)) }

        _ = try await storage.messages(after: .start, limit: 10)
        #expect(Set(seen.take().map(\.kind)).contains(.messages))
        _ = try await storage.messages(matching: ["word"], limit: 10, text: StorageUnderTest.text)
        #expect(Set(seen.take().map(\.kind)).isSuperset(of: [.search, .chores]))
        _ = try await storage.shownFlows(limit: 10)
        _ = try await storage.admins(limit: 10)
        #expect(seen.take().map(\.kind) == [.administration, .administration])
        _ = try await storage.flow(FlowID(1))
        _ = try await storage.head()
        _ = try await storage.removeSessions(expiredBefore: Timestamp(seconds: 1))
        #expect(seen.take().map(\.kind) == [.flows, .updates, .chores])
        await storage.close()
    }

    @Test func whatFailsIsToldToo() async throws {
        let seen = Seen()
        let storage = Storage(
            engine: try SQLiteEngine(.memory, create: true), clock: SteppingClock(), observer: seen.note,
            now: { Timestamp(seconds: 1) })

        // There are no tables.
        await #expect(throws: StorageError.self) { try await storage.user(UserID(1)) }

        #expect(seen.take().map(\.kind) == [.accounts])
        await storage.close()
    }
}
