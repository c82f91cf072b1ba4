// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Storage

struct BatchWriterTests {
    private final class Batches: Sendable {
        let sizes: AsyncStream<Int>
        private let continuation: AsyncStream<Int>.Continuation

        init() { (sizes, continuation) = AsyncStream.makeStream() }
        func add(_ batch: CommittedBatch) { continuation.yield(batch.outcomes.count) }
        func all() async -> [Int] {
            continuation.finish()
            return await sizes.reduce(into: []) { $0.append($1) }
        }
    }

    /// Runs `body` with a writer whose first batch, a lone message, is held up at the engine's gate.
    private func withHeldWriter(
        _ kind: StorageKind, limits: BatchWriter.Limits = BatchWriter.Limits(),
        _ body: (StorageUnderTest, BatchWriter, HeldEngine, _ flow: FlowID, _ alice: UserID) async throws -> Void
    ) async throws -> [Int] {
        var sizes: [Int] = []
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let engine = HeldEngine(test.storage.engine)
            let batches = Batches()
            let writer = BatchWriter(
                storage: test.storage(over: engine, clock: ManualClock()), limits: limits,
                onCommit: { batches.add($0) })
            async let running: Void = writer.run()
            engine.hold()
            let first = try #require(writer.submit(test.message("first", to: flow), by: test.origin(alice)))
            await engine.writeIsHeld()
            let outcome: Result<Void, any Error>
            do {
                #expect(first.outcomeIfKnown == nil)
                outcome = .success(try await body(test, writer, engine, flow, alice))
            } catch {
                outcome = .failure(error)
            }
            engine.release()
            #expect(try await first.outcome.receipt.number == 0)
            writer.close()
            await running
            try outcome.get()
            sizes = await batches.all()
        }
        return sizes
    }

    @Test(arguments: StorageKind.available)
    func whileOneCommitIsHeldUpTheOthersGather(kind: StorageKind) async throws {
        let sizes = try await withHeldWriter(kind) { test, writer, engine, flow, alice in
            let pending = try (1...500).map { number in
                try #require(writer.submit(test.message("\(number)", to: flow), by: test.origin(alice)))
            }
            #expect(writer.waitingWrites == 500)
            #expect(pending.allSatisfy { $0.outcomeIfKnown == nil })

            engine.release()

            // In the order in which they were submitted.
            for (index, write) in pending.enumerated() {
                #expect(try await write.outcome.receipt.number == Int64(index + 1))
            }
            #expect(engine.writes == 2)
        }

        #expect(sizes == [1, 500])
    }

    @Test(arguments: StorageKind.available)
    func batchesAreBoundedByCountAndBytes(kind: StorageKind) async throws {
        var limits = BatchWriter.Limits()
        limits.maximumBatchWrites = 10
        limits.maximumBatchBytes = 20_000
        let sizes = try await withHeldWriter(kind, limits: limits) { test, writer, engine, flow, alice in
            var pending: [PendingWrite<Int64>] = []
            for number in 0..<25 {
                pending.append(
                    try #require(writer.submit(test.message("\(number)", to: flow), by: test.origin(alice))))
            }
            let large = StorageUnderTest.content(String(repeating: "x", count: 9000))
            for size in [large, large, large, large + large + large, large] {
                let action = Write.SendMessage(flow: flow, content: size, blobs: [])
                pending.append(try #require(writer.submit(action, by: test.origin(alice))))
            }

            engine.release()

            for write in pending { _ = try await write.outcome.receipt }
        }

        // 512 bytes for each and 9011 for the large ones; what is too large for any batch goes alone.
        #expect(sizes == [1, 10, 10, 6, 2, 1, 1])
    }

    @Test(arguments: StorageKind.available)
    func tooManyWaitingWritesAreTurnedAway(kind: StorageKind) async throws {
        var limits = BatchWriter.Limits()
        limits.maximumWaitingWrites = 3
        limits.maximumWaitingBytes = 4000
        let sizes = try await withHeldWriter(kind, limits: limits) { test, writer, engine, flow, alice in
            let small = { writer.submit(test.message("x", to: flow), by: test.origin(alice)) }
            let large = Write.SendMessage(flow: flow, content: [UInt8](repeating: 0x20, count: 3000), blobs: [])

            let pending = [small(), small()]
            #expect(pending.allSatisfy { $0 != nil })
            #expect(writer.submit(large, by: test.origin(alice)) == nil)
            let third = try #require(small())
            #expect(small() == nil)

            engine.release()
            #expect(try await third.outcome.receipt.number == 3)
            // There is room again.
            let fourth = try #require(writer.submit(large, by: test.origin(alice)))
            #expect(try await fourth.outcome.receipt.number == 4)
        }

        #expect(sizes == [1, 3, 1])
    }

    @Test(arguments: StorageKind.available)
    func closingCommitsWhatWaitsAndRefusesTheRest(kind: StorageKind) async throws {
        let sizes = try await withHeldWriter(kind) { test, writer, engine, flow, alice in
            let pending = try (0..<5).map { _ in
                try #require(writer.submit(test.message("x", to: flow), by: test.origin(alice)))
            }

            writer.close()

            #expect(writer.submit(test.message("late", to: flow), by: test.origin(alice)) == nil)
            engine.release()
            for write in pending { _ = try await write.outcome.receipt }
        }

        #expect(sizes == [1, 5])
    }

    @Test(arguments: StorageKind.available)
    func outcomesAreEachWritesOwn(kind: StorageKind) async throws {
        let sizes = try await withHeldWriter(kind) { test, writer, engine, flow, alice in
            let (double, origin) = (test.message("x", to: flow), test.origin(alice))
            let good = try #require(writer.submit(double, by: origin))
            let refused = try #require(writer.submit(test.message("x", to: FlowID(99)), by: test.origin(alice)))
            let bad = try #require(writer.submit(double, by: origin))
            let last = try #require(writer.submit(test.message("x", to: flow), by: test.origin(alice)))

            engine.release()

            #expect(try await good.outcome.receipt.number == 1)
            #expect(await refused.outcome.refusal == .noSuchFlow)
            #expect(await bad.outcome.failure != nil)
            #expect(try await last.outcome.receipt.number == 2)
            // Known by now, and told again.
            #expect(try #require(good.outcomeIfKnown).receipt.number == 1)
        }

        #expect(sizes == [1, 4])
    }

    @Test(arguments: StorageKind.available)
    func aBatchThatCannotBeCommittedFailsAllItsWritesAndNoOthers(kind: StorageKind) async throws {
        let sizes = try await withHeldWriter(kind) { test, writer, engine, flow, alice in
            let pending = try (0..<3).map { _ in
                try #require(writer.submit(test.message("x", to: flow), by: test.origin(alice)))
            }
            engine.fail(with: [.pass, .failBefore(.unusable)])

            engine.release()

            for write in pending { #expect(await write.outcome.failure?.code == .unusable) }
            let next = try #require(writer.submit(test.message("x", to: flow), by: test.origin(alice)))
            #expect(try await next.outcome.receipt.number == 1)
        }

        #expect(sizes == [1, 1])
    }

    @Test(arguments: StorageKind.available)
    func nothingIsAcknowledgedOnAStoreInDoubt(kind: StorageKind) async throws {
        var limits = BatchWriter.Limits()
        limits.maximumBatchWrites = 2
        let sizes = try await withHeldWriter(kind, limits: limits) { test, writer, engine, flow, alice in
            let pending = try (0..<5).map { _ in
                try #require(writer.submit(test.message("x", to: flow), by: test.origin(alice)))
            }
            engine.fail(with: [.pass, .failAfter(.inDoubt)])

            engine.release()

            for write in pending.prefix(2) { #expect(await write.outcome.failure?.code == .inDoubt) }
            // These were not tried.
            for write in pending.dropFirst(2) { #expect(await write.outcome.failure?.code == .unavailable) }
            #expect(writer.submit(test.message("x", to: flow), by: test.origin(alice)) == nil)
            #expect(writer.doubt?.code == .inDoubt)
            #expect(try await test.storage.flow(flow)?.messageCount == 3)
        }

        #expect(sizes == [1])
    }

    /// Where completions run: keeps what it was given until `runAll`.
    private final class Loop: TaskExecutor {
        private let jobs = Mutex<[UnownedJob]>([])
        let given = AsyncStream.makeStream(of: Void.self)
        let numbers = Mutex<[Int64?]>([])
        var count: Int { jobs.withLock { $0.count } }
        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            jobs.withLock { $0.append(job) }
            given.continuation.yield()
        }
        func runAll() {
            for job in jobs.withLock({ jobs in jobs }) { job.runSynchronously(on: asUnownedTaskExecutor()) }
        }
        func note(_ outcome: WriteOutcome<Int64>) { numbers.withLock { $0.append(try? outcome.receipt.number) } }
    }

    @Test(arguments: StorageKind.available)
    func eachExecutorIsCalledOnceForABatchAndCompletesInOrder(kind: StorageKind) async throws {
        let loops = (0..<3).map { _ in Loop() }
        let sizes = try await withHeldWriter(kind) { test, writer, engine, flow, alice in
            for number in 0..<9 {
                let loop = loops[number % 3]
                let message = test.message("\(number)", to: number == 4 ? FlowID(99) : flow)
                #expect(writer.submit(message, by: test.origin(alice), on: loop) { loop.note($0) })
            }
            let last = try #require(writer.submit(test.message("last", to: flow), by: test.origin(alice)))
            #expect(writer.waitingWrites == 10)
            #expect(loops.allSatisfy { $0.count == 0 })

            engine.release()

            #expect(try await last.outcome.receipt.number == 9)
            for loop in loops {
                for await _ in loop.given.stream { break }
                #expect(loop.numbers.withLock { $0 }.isEmpty)
                loop.runAll()
                #expect(loop.count == 1)
            }
            #expect(loops[0].numbers.withLock { $0 } == [1, 4, 6])
            #expect(loops[1].numbers.withLock { $0 } == [2, nil, 7])
            #expect(loops[2].numbers.withLock { $0 } == [3, 5, 8])
            writer.close()
            #expect(!writer.submit(test.message("late", to: flow), by: test.origin(alice), on: loops[0]) { _ in })
            #expect(writer.submit(test.message("late", to: flow), by: test.origin(alice)) == nil)
        }

        #expect(sizes == [1, 10])
        #expect(loops.allSatisfy { $0.count == 1 })
    }

    @Test(arguments: StorageKind.available)
    func batchesAreAppliedAndAnsweredOnTheThreadThatWrites(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let threads = Mutex<Set<pthread_t>>([])
            let note: @Sendable () -> Void = { threads.withLock { _ = $0.insert(pthread_self()) } }
            final class Here: TaskExecutor {
                let note: @Sendable () -> Void
                init(_ note: @escaping @Sendable () -> Void) { self.note = note }
                func enqueue(_ job: consuming ExecutorJob) {
                    note()
                    UnownedJob(job).runSynchronously(on: asUnownedTaskExecutor())
                }
            }
            try await test.storage.engine.write { _ in note() }
            let writer = BatchWriter(storage: test.storage, onCommit: { _ in note() })
            async let running: Void = writer.run()
            let here = Here(note)

            for number in 0..<20 {
                await withCheckedContinuation { continuation in
                    let message = test.message("\(number)", to: flow)
                    #expect(writer.submit(message, by: test.origin(alice), on: here) { _ in continuation.resume() })
                }
            }

            #expect(threads.withLock { $0.count } == 1)
            writer.close()
            await running
        }
    }
}
