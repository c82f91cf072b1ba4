// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Operations

/// Long operations that go on by themselves.
@Suite(.timeLimit(.minutes(10)))
struct JobBoardTests {
    /// Runs a board around `body`.
    private func withBoard(
        _ limits: JobBoard.Limits = .init(), _ body: (JobBoard) async throws -> Void
    ) async throws {
        let count = Mutex(0)
        let newID: @Sendable () -> String = {
            count.withLock { count in
                count += 1
                return "\(count)"
            }
        }
        let board = JobBoard(limits: limits, now: { Office.time }, makeID: newID)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await board.run() }
            defer { board.close() }
            try await body(board)
        }
    }

    /// A job that ends when it is told to, and says when it was cancelled.
    private struct Held: Sendable {
        private let gate = AsyncStream.makeStream(of: Void.self)
        var work: JobBoard.Work {
            { (progress) async throws(OperationError) -> [UInt8] in
                await progress(OperationProgress(phase: "steps", done: 1, total: 2))
                for await _ in gate.stream { break }
                if Task.isCancelled { throw .interrupted }
                return Array(#"{"made":3}"#.utf8)
            }
        }

        func open() { gate.continuation.yield() }
    }

    /// Reads changes until one is as wanted.
    private func report(
        _ id: String, on board: JobBoard, until isWanted: (JobReport) -> Bool
    ) async throws -> JobSnapshot {
        for await change in try board.changes(of: id) {
            if let change, isWanted(change.report) { return change }
        }
        return try board.job(id)
    }

    @Test func jobTellsItsProgressAndItsResult() async throws {
        try await withBoard { board in
            let held = Held()

            let started = try board.start("flow.seed", by: "ann", held.work)
            let under = try await report(started.report.id, on: board) { $0.progress != nil }
            held.open()
            let ended = try await report(started.report.id, on: board) { $0.state == .done }

            #expect(started.report.state == .running)
            #expect(under.report.progress == OperationProgress(phase: "steps", done: 1, total: 2))
            #expect(ended.report.state == .done)
            #expect(ended.report.principal == "ann")
            #expect(ended.report.ended == Office.time.text)
            let json = try JSONValue.parse(ended.json)
            #expect(json["result"]?["made"]?.int == 3)
            #expect(json["error"]?.isNull == true)
        }
    }

    @Test func failureIsTold() async throws {
        try await withBoard { board in
            let id = try board.start("flow.seed", by: "ann") { (_) async throws(OperationError) -> [UInt8] in
                throw OperationError(.refused, "No.")
            }.report.id

            let ended = try await report(id, on: board) { $0.state == .failed }

            #expect(ended.report.error == OperationError(.refused, "No."))
            #expect(ended.result == nil)
        }
    }

    @Test func cancelledJobEndsAndOthersGoOn() async throws {
        try await withBoard { board in
            let (first, second) = (Held(), Held())
            let one = try board.start("flow.seed", by: "ann", first.work).report.id
            let two = try board.start("flow.seed", by: "ann", second.work).report.id
            _ = try await report(one, on: board) { $0.progress != nil }

            _ = try board.cancel(one)
            let ended = try await report(one, on: board) { $0.state != .running }
            second.open()
            let other = try await report(two, on: board) { $0.state != .running }

            #expect(ended.report.state == .cancelled)
            #expect(ended.report.error == nil)
            #expect(other.report.state == .done)
            let again = #expect(throws: OperationError.self) { try board.cancel(one) }
            let unknown = #expect(throws: OperationError.self) { try board.cancel("none") }
            #expect(again?.kind == .exists)
            #expect(unknown?.kind == .notFound)
        }
    }

    @Test func onlySoManyRunAndAreKept() async throws {
        var limits = JobBoard.Limits()
        limits.running = 2
        limits.kept = 3
        try await withBoard(limits) { board in
            let held = [Held(), Held()]
            let ids = try held.map { try board.start("a", by: "ann", $0.work).report.id }

            let refusal = #expect(throws: OperationError.self) { try board.start("a", by: "ann", Held().work) }
            held[1].open()
            _ = try await report(ids[1], on: board) { $0.state == .done }
            var last = ids[1]
            for _ in 0..<3 {
                let short = Held()
                last = try board.start("a", by: "ann", short.work).report.id
                short.open()
                _ = try await report(last, on: board) { $0.state == .done }
            }

            #expect(refusal?.kind == .busy)
            #expect(board.jobs.count == 3)
            #expect(board.jobs.first?.report.id == last)
            // The one that runs is the oldest, and still there.
            #expect(board.jobs.last?.report.id == ids[0])
            held[0].open()
        }
    }

    @Test func readerHearsOfAllJobsAndOfThePulse() async throws {
        var limits = JobBoard.Limits()
        limits.readers = 1
        limits.pulse = .milliseconds(100)
        try await withBoard(limits) { board in
            var reader: AsyncStream<JobSnapshot?>? = try board.changes(of: nil)
            let refusal = #expect(throws: OperationError.self) { try board.changes(of: nil) }
            let held = Held()
            let id = try board.start("a", by: "ann", held.work).report.id
            held.open()
            var pulses = 0
            var states: [JobReport.State] = []

            if let reader {
                for await change in reader {
                    if let change { states.append(change.report.state) } else { pulses += 1 }
                    if pulses > 0, states.last == .done { break }
                }
            }
            reader = nil

            #expect(refusal?.kind == .busy)
            #expect(states.last == .done)
            #expect(board.jobs.map(\.report.id) == [id])
            // Its place is free again.
            _ = try board.changes(of: nil)
        }
    }

    @Test func boardThatIsClosedCancelsAndTakesNothing() async throws {
        let board = JobBoard(now: { Office.time }, makeID: { "1" })
        let held = Held()
        let id = try board.start("a", by: "ann", held.work).report.id
        let changes = try board.changes(of: nil)

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await board.run() }
            _ = try await report(id, on: board) { $0.progress != nil }
            board.close()
            for await _ in changes {}
            try await group.waitForAll()
        }

        #expect(try board.job(id).report.state == .cancelled)
        let late = #expect(throws: OperationError.self) { try board.start("a", by: "x", held.work) }
        #expect(late?.kind == .busy)
    }
}
