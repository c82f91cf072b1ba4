// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOEmbedded
import Testing

@testable import Transport

/// Requests of one connection: admitted in order, answered in order, bounded.
struct RequestPipelineTests {
    /// What a request asks the session to do.
    private enum Wish: Sendable {
        /// Has its answer at once.
        case known(String)
        case submitted(String)
        /// Waits for a task, and for all before it if `inOrder`.
        case task(String, inOrder: Bool)
        case silent
    }

    private final class Peer: PeerConnection, @unchecked Sendable {
        var isReading = true
        var flushes = 0
        var onResume: () -> Void = {}

        override var isOpen: Bool { true }
        override var isWritable: Bool { isReading }
        override func flush() { flushes += 1 }
        override func readingResumed() { onResume() }
    }

    private final class Session: RequestSession, @unchecked Sendable {
        let peer: PeerConnection?
        var answers: [String] = []
        var submitted: [String: RequestTicket] = [:]
        var done = 0

        init(_ peer: Peer) { self.peer = peer }

        func admit(_ wish: Wish, as ticket: RequestTicket) -> RequestAdmission<String> {
            switch wish {
            case .known(let text): return .answer(text)
            case .submitted(let text):
                submitted[text] = ticket
                return .submitted
            case .task(_, let inOrder): return .waits(forAnswers: inOrder)
            case .silent: return .done
            }
        }

        func perform(_ wish: Wish, as ticket: RequestTicket) async -> RequestAdmission<String> {
            guard case .task(let text, _) = wish else { return .done }
            return .answer(text)
        }

        func write(_ answer: String) { answers.append(answer) }
        func requestsDone() { done += 1 }
    }

    private let loop = EmbeddedEventLoop()
    private let peer: Peer
    private let session: Session
    private let budget = InboundBudget(maximumBytes: 100_000)
    private let pipeline: RequestPipeline<Session>

    init() {
        let connectionLoop = ConnectionLoop(eventLoop: loop, number: 1)
        peer = Peer(loop: connectionLoop, remoteAddress: nil)
        session = Session(peer)
        pipeline = RequestPipeline(
            of: session, limits: .init(requests: 4, bytes: 1000), budget: budget,
            executor: connectionLoop.taskExecutor)
    }

    private func receive(_ wishes: Wish..., bytes: Int = 10) {
        for wish in wishes { #expect(pipeline.receive(wish, bytes: bytes)) }
        pipeline.advance()
        loop.run()
    }

    private func settle(_ text: String) throws {
        pipeline.settle(try #require(session.submitted[text]), text)
        pipeline.advance()
        loop.run()
    }

    @Test func answersLeaveInTheOrderOfTheirRequests() throws {
        receive(.submitted("a"), .known("b"), .submitted("c"))
        #expect(session.answers.isEmpty)
        try settle("c")
        #expect(session.answers.isEmpty)
        #expect(session.done == 0)

        try settle("a")

        #expect(session.answers == ["a", "b", "c"])
        #expect(session.done == 1)
        #expect(pipeline.inFlight == 0)
    }

    @Test func requestThatWaitsForAnswersComesAfterThemAndHoldsUpWhatFollows() throws {
        receive(.submitted("a"), .task("b", inOrder: true), .known("c"))
        #expect(session.answers.isEmpty)
        #expect(!pipeline.isPerforming)

        try settle("a")

        #expect(session.answers == ["a", "b", "c"])
    }

    @Test func requestThatWaitsFollowsAnAnswerThatWasKnownAtOnce() {
        // In one read, so that nothing else happens that could set it going.
        receive(.known("a"), .task("b", inOrder: true))

        #expect(session.answers == ["a", "b"])
        #expect(session.done == 1)
    }

    @Test func requestThatNeedsTheStoreDoesNotWaitForAnswers() throws {
        receive(.submitted("a"), .task("b", inOrder: false), .submitted("c"))
        // Its task has run, and what follows was admitted.
        #expect(session.submitted["c"] != nil)
        #expect(session.answers.isEmpty)

        try settle("c")
        try settle("a")

        #expect(session.answers == ["a", "b", "c"])
    }

    @Test func nothingIsAnsweredWhileThePeerDoesNotRead() throws {
        peer.isReading = false
        receive(.known("a"), .silent, .task("b", inOrder: true))
        #expect(session.answers.isEmpty)
        #expect(!pipeline.isPerforming)
        #expect(budget.usedBytes > 0)

        peer.isReading = true
        pipeline.advance()
        loop.run()

        #expect(session.answers == ["a", "b"])
        #expect(budget.usedBytes == 0)
    }

    @Test func tooManyRequestsPauseReadingUntilHalfAreAnswered() throws {
        receive(.submitted("a"), .submitted("b"), .submitted("c"))
        #expect(!peer.isReadingPaused)
        receive(.submitted("d"))
        #expect(peer.isReadingPaused)

        try settle("a")
        #expect(peer.isReadingPaused)
        try settle("b")

        #expect(!peer.isReadingPaused)
    }

    @Test func whatArrivesWhenReadingIsResumedIsTakenInTurn() throws {
        receive(.submitted("a"), .submitted("b"), .submitted("c"), .submitted("d"))
        peer.onResume = { [pipeline, peer] in
            peer.onResume = {}
            for text in ["e", "f", "g"] { _ = pipeline.receive(.known(text), bytes: 10) }
            pipeline.advance()
        }

        try settle("a")
        try settle("b")
        #expect(session.answers == ["a", "b"])
        try settle("d")
        try settle("c")

        #expect(session.answers == ["a", "b", "c", "d", "e", "f", "g"])
        #expect(!peer.isReadingPaused)
        #expect(pipeline.inFlight == 0)
    }

    @Test func longRequestsPauseReading() throws {
        receive(.submitted("a"), bytes: 1001)
        #expect(peer.isReadingPaused)

        try settle("a")

        #expect(!peer.isReadingPaused)
    }

    @Test func requestBeyondTheBudgetIsNotTaken() {
        #expect(!pipeline.receive(.known("a"), bytes: 200_000))
        #expect(budget.usedBytes == 0)
        #expect(pipeline.inFlight == 0)
    }

    @Test func endOfTheConnectionGivesEverythingBack() throws {
        receive(.submitted("a"), .task("b", inOrder: true), .known("c"))
        #expect(budget.usedBytes > 0)

        pipeline.close()
        #expect(budget.usedBytes == 0)
        #expect(pipeline.inFlight == 0)

        // The commit comes later, and nobody is there for its answer.
        try settle("a")
        receive(.known("d"))
        #expect(session.answers.isEmpty)
        #expect(session.done == 0)
    }

    @Test func requestsThatWereNotAdmittedCanBeDropped() throws {
        receive(.submitted("a"), .task("b", inOrder: true), .known("c"))

        pipeline.dropWaiting()
        try settle("a")

        // The one that was next is done still.
        #expect(session.answers == ["a", "b"])
        #expect(session.done == 1)
        #expect(budget.usedBytes == 0)
    }
}
