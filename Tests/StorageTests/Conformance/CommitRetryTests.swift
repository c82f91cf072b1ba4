// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import TestSupport
import Testing

@testable import Storage

struct CommitRetryTests {
    private func with(
        _ kind: StorageKind,
        _ body: (StorageUnderTest, Storage, HeldEngine, ManualClock, FlowID, UserID) async throws -> Void
    ) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let engine = HeldEngine(test.storage.engine)
            let clock = ManualClock()
            try await body(test, test.storage(over: engine, clock: clock), engine, clock, flow, alice)
        }
    }

    @Test(arguments: StorageKind.available)
    func anOutageIsWaitedForWithGrowingPauses(kind: StorageKind) async throws {
        try await with(kind) { test, storage, engine, clock, flow, alice in
            engine.fail(with: Array(repeating: .failBefore(.unavailable), count: 8))

            let batch = try await storage.commit([test.write(test.message("hi", to: flow), by: alice)])

            #expect(try batch.outcomes[0].receipt.number == 0)
            #expect(engine.writes == 9)
            // 10, 20, 40, 80, 160, 320, 640 and 1000 milliseconds.
            #expect(clock.elapsed == Duration.milliseconds(2270))
        }
    }

    @Test(arguments: StorageKind.available)
    func theAttemptsEndAfterTenSeconds(kind: StorageKind) async throws {
        try await with(kind) { test, storage, engine, clock, flow, alice in
            engine.fail(with: Array(repeating: .failBefore(.unavailable), count: 1000))

            let failure = await storageFailure {
                _ = try await storage.commit([test.write(test.message("hi", to: flow), by: alice)])
            }

            #expect(failure?.code == .unavailable)
            #expect(clock.elapsed >= .seconds(10) && clock.elapsed <= .seconds(11))
            #expect(engine.writes < 30)
            engine.fail(with: [])
            let record = try await storage.flow(flow)
            #expect(record?.messageCount == 0)
        }
    }

    @Test(arguments: StorageKind.available)
    func aCommitWithoutAnswerIsLookedUp(kind: StorageKind) async throws {
        try await with(kind) { test, storage, engine, _, flow, alice in
            let faults: [[HeldEngine.Fault]] = [
                [.failAfter(.commitUnknown)], [.failBefore(.commitUnknown)],
                // The answer to the question is lost, too.
                [.failAfter(.commitUnknown), .failBefore(.unavailable), .failAfter(.commitUnknown)],
                [.failBefore(.unavailable), .failAfter(.commitUnknown), .failBefore(.unavailable)],
                [.failAfter(.commitUnknown), .failAfter(.commitUnknown)],
            ]
            for (number, faults) in faults.enumerated() {
                engine.fail(with: faults)
                let write = test.write(test.message("\(number)", to: flow), by: alice)
                guard faults != [.failBefore(.commitUnknown)] else {
                    // Nothing was intended yet when it failed: this one cannot be told.
                    #expect(await storageFailure { _ = try await storage.commit([write]) }?.code == .commitUnknown)
                    continue
                }
                let batch = try await storage.commit([write])
                #expect(
                    try await storage.message(uuid: write.origin.uuid)?.position == batch.outcomes[0].receipt.position)
            }
            let page = try await storage.messages(in: flow, numbers: 0..<100)
            #expect(page.messages.map(\.text) == ["0", "2", "3", "4"])
        }
    }

    @Test(arguments: StorageKind.available)
    func aCommitThatWasUndoneIsRepeated(kind: StorageKind) async throws {
        try await with(kind) { test, storage, engine, _, flow, alice in
            for undone in 1...2 {
                engine.fail(with: Array(repeating: [.undo(.commitUnknown), .pass], count: undone).flatMap(\.self))

                let batch = try await storage.commit([test.write(test.message("\(undone)", to: flow), by: alice)])

                #expect(try batch.outcomes[0].receipt.number == Int64(undone - 1))
            }
            engine.fail(with: Array(repeating: [.undo(.commitUnknown), .pass], count: 100).flatMap(\.self))
            let write = test.write(test.message("never", to: flow), by: alice)
            let failure = await storageFailure { _ = try await storage.commit([write]) }

            // Looked up each time: it is certain that it was not done.
            #expect(failure?.code == .unavailable)
            engine.fail(with: [])
            #expect(try await storage.message(uuid: write.origin.uuid) == nil)
        }
    }

    @Test(arguments: StorageKind.available)
    func aLookUpHasATimeoutOfItsOwn(kind: StorageKind) async throws {
        try await with(kind) { test, storage, engine, clock, flow, alice in
            let outage = Array(repeating: HeldEngine.Fault.failBefore(.unavailable), count: 15)
            // The time for attempts is nearly over when the COMMIT gets no answer; the outage goes on for as long
            // again.
            engine.fail(with: outage + [.failAfter(.commitUnknown)] + outage)

            let batch = try await storage.commit([test.write(test.message("hi", to: flow), by: alice)])

            #expect(try batch.outcomes[0].receipt.number == 0)
            #expect(clock.elapsed > CommitRetry.timeout)
        }
    }

    @Test(arguments: StorageKind.available)
    func inAnOutageTheNextBatchesAreTriedOnce(kind: StorageKind) async throws {
        try await with(kind) { test, storage, engine, clock, flow, alice in
            func commit() async -> StorageError.Code? {
                do throws(StorageError) {
                    _ = try await storage.commit([test.write(test.message("hi", to: flow), by: alice)])
                    return nil
                } catch {
                    return error.code
                }
            }
            engine.fail(with: Array(repeating: .failBefore(.unavailable), count: 1000))
            #expect(await commit() == .unavailable)
            let (tried, passed) = (engine.writes, clock.elapsed)

            #expect(await commit() == .unavailable)
            #expect(await commit() == .unavailable)
            #expect(engine.writes == tried + 2 && clock.elapsed == passed)

            // One that succeeds ends the outage: the next one is waited for again.
            engine.fail(with: [])
            #expect(await commit() == nil)
            engine.fail(with: [.failBefore(.unavailable), .failBefore(.unavailable)])
            #expect(await commit() == nil)
        }
    }

    @Test(arguments: StorageKind.available)
    func closingEndsTheWaiting(kind: StorageKind) async throws {
        try await with(kind) { test, storage, engine, clock, flow, alice in
            storage.beginClosing()
            engine.fail(with: [.failBefore(.unavailable)])

            let failure = await storageFailure {
                _ = try await storage.commit([test.write(test.message("hi", to: flow), by: alice)])
            }

            #expect(failure?.code == .unavailable && clock.elapsed == .zero)
        }
    }

    @Test(arguments: StorageKind.available)
    func aCommitThatCannotBeLookedUpStaysUnknown(kind: StorageKind) async throws {
        try await with(kind) { test, storage, engine, clock, flow, alice in
            engine.fail(with: [.failAfter(.commitUnknown)] + Array(repeating: .failBefore(.unavailable), count: 1000))

            let failure = await storageFailure {
                _ = try await storage.commit([test.write(test.message("hi", to: flow), by: alice)])
            }

            #expect(failure?.code == .commitUnknown)
            #expect(clock.elapsed >= .seconds(20) && clock.elapsed <= .seconds(21))
        }
    }

    @Test(arguments: StorageKind.available)
    func anUnusableDatabaseIsNotTriedAgain(kind: StorageKind) async throws {
        try await with(kind) { test, storage, engine, clock, flow, alice in
            for code in [StorageError.Code.unusable, .needsMigration, .newerThanProgram, .full, .inDoubt] {
                engine.fail(with: [.failBefore(code)])
                let failure = await storageFailure {
                    _ = try await storage.commit([test.write(test.message("hi", to: flow), by: alice)])
                }
                #expect(failure?.code == code)
            }
            #expect(clock.elapsed == .zero && engine.writes == 5)
        }
    }
}
