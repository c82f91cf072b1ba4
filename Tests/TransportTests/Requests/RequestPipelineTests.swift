// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging
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
        case wrong
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
        let core = SessionCore<Session, Peer>()
        var answers: [String] = []
        var submitted: [String: RequestTicket] = [:]
        var done = 0

        func admit(_ wish: Wish, as ticket: RequestTicket) -> RequestAdmission<String> {
            switch wish {
            case .known(let text): return .answer(text)
            case .submitted(let text):
                submitted[text] = ticket
                return .submitted
            case .task(_, let inOrder): return .waits(forAnswers: inOrder)
            case .silent: return .done
            case .wrong: return .finished(RequestOutcome(status: 404))
            }
        }

        func perform(_ wish: Wish, as ticket: RequestTicket) async -> RequestAdmission<String> {
            guard case .task(let text, _) = wish else { return .done }
            return .answer(text)
        }

        func write(_ answer: String) { answers.append(answer) }
        func requestsDone() {
            done += 1
            core.endIfDone()
        }

        func command(of wish: Wish) -> String {
            switch wish {
            case .known: "known"
            case .submitted: "submitted"
            case .task: "task"
            case .silent, .wrong: "silent"
            }
        }
        func outcome(of answer: String) -> RequestOutcome {
            answer == "busy" ? RequestOutcome(status: 429) : RequestOutcome(status: 200)
        }
        func account(for answer: String?) -> Int64? { 7 }
    }

    /// Lines of the log and counts.
    private final class Told: LogHandler, @unchecked Sendable {
        var lines: [String] = []
        var counts: [String] = []
        var logLevel = Logger.Level.debug
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let shown = (event.metadata ?? [:]).filter { $0.key != "ms" }.sorted { $0.key < $1.key }
            lines.append(shown.map { "\($0.key)=\($0.value)" }.joined(separator: " "))
        }
    }

    private let loop = EmbeddedEventLoop()
    private let peer: Peer
    private let session: Session
    private let budget = InboundBudget(maximumBytes: 100_000)
    private let pipeline: RequestPipeline<Session>
    private let told = Told()

    init() throws {
        let connectionLoop = ConnectionLoop(eventLoop: loop, number: 1)
        peer = Peer(loop: connectionLoop, remoteAddress: nil)
        session = Session()
        session.core.opened(
            peer, of: session, from: "192.0.2.1", limits: .init(requests: 4, bytes: 1000), budget: budget,
            log: RequestLog(protocol: "test", logger: Logger(label: "test") { [told] _ in told }) {
                [told] command, outcome, refusal, _ in
                told.counts.append([command, outcome, refusal].compactMap(\.self).joined(separator: " "))
            })
        pipeline = try #require(session.pipeline)
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

    @Test func requestHasALineAndIsCountedWhenItIsAnswered() throws {
        receive(.submitted("a"), .known("busy"), .wrong)
        #expect(told.lines.isEmpty && told.counts.isEmpty)

        try settle("a")

        let place = "address=192.0.2.1 chat.connection.id=\(peer.id) chat.user.id=7"
        #expect(
            told.lines == [
                "\(place) command=submitted outcome=ok protocol=test status=200",
                "\(place) command=known outcome=throttled protocol=test status=429",
                "\(place) command=silent outcome=refused protocol=test status=404",
            ])
        #expect(told.counts == ["submitted ok", "known throttled 429", "silent refused 404"])
    }

    @Test func requestIsCountedButHasNoLineWhileNobodyWantsThem() {
        told.logLevel = .info
        receive(.known("a"))

        #expect(told.lines.isEmpty)
        #expect(told.counts == ["known ok"])
    }

    @Test func requestsThatAreLeftAtTheEndAreUnanswered() {
        receive(.submitted("a"), .task("b", inOrder: true), .known("c"))

        pipeline.close()

        #expect(told.counts == ["submitted unanswered", "task unanswered", "known unanswered"])
        #expect(told.lines.count == 3)
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

    // MARK: The end of the session

    @Test func connectionEndsWhenEverythingThatCameIsAnswered() throws {
        var closed: [String] = []
        receive(.submitted("a"), .task("b", inOrder: true))

        session.core.end { closed.append("first") }
        session.core.end { closed.append("second") }
        #expect(session.isEnding)
        #expect(closed.isEmpty)
        try settle("a")

        #expect(session.answers == ["a", "b"])
        #expect(closed == ["first"])
    }

    @Test func connectionWithoutRequestsEndsAtOnce() {
        var isClosed = false
        session.core.end { isClosed = true }
        #expect(isClosed)
    }

    @Test func endThatDoesNotWaitIsLeftToTheSession() throws {
        var isClosed = false
        receive(.submitted("a"))
        session.core.end { isClosed = true }

        session.core.endNow()
        try settle("a")

        #expect(session.isEnding)
        #expect(!isClosed)
    }

    @Test func sessionOfAConnectionThatIsGoneHasNone() throws {
        var isClosed = false
        receive(.submitted("a"))
        session.core.end { isClosed = true }

        session.core.closed()
        try settle("a")

        #expect(session.connection == nil)
        #expect(session.answers.isEmpty)
        #expect(budget.usedBytes == 0)
        #expect(!isClosed)
    }
}
