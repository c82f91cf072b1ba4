// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

public import DequeModule

/// The place of a request among those of its connection.
public struct RequestTicket: Hashable, Sendable {
    @usableFromInline let number: UInt64

    @usableFromInline init(number: UInt64) {
        self.number = number
    }
}

/// What became of a request when it was its turn.
public enum RequestAdmission<Answer: Sendable>: Sendable {
    /// The answer is known.
    case answer(Answer)
    /// It needs no answer, or has written it.
    case finished(RequestOutcome)
    /// It was submitted: ``RequestPipeline/settle(_:_:)`` brings the answer.
    case submitted
    /// It cannot be decided from memory: ``RequestSession/perform(_:as:)`` is to do it, at once or after all that came
    /// before it is answered.
    case waits(forAnswers: Bool)

    /// It was done, and needs no answer or has written it.
    @inlinable public static var done: Self { .finished(.ok) }
}

/// A session whose requests go through a ``RequestPipeline``.
///
/// Every call comes on the connection's event loop; `perform` is a task of that loop.
public protocol RequestSession: AnyObject, Sendable {
    associatedtype Request: Sendable
    associatedtype Answer: Sendable
    associatedtype Connection: PeerConnection

    /// The connection with its requests; always the same.
    var core: SessionCore<Self, Connection> { get }
    /// Whether the peer reads what it is sent: nothing is answered otherwise. Default: while the connection is
    /// writable.
    var hasRoom: Bool { get }
    /// Decides about a request at once, from what is in memory.
    func admit(_ request: Request, as ticket: RequestTicket) -> RequestAdmission<Answer>
    /// Does a request for which `admit` returned `.waits`; not to return `.waits` itself.
    func perform(_ request: Request, as ticket: RequestTicket) async -> RequestAdmission<Answer>
    /// Writes an answer.
    func write(_ answer: Answer)
    /// Everything that came is answered. Default: closes the connection if it is to end.
    func requestsDone()

    /// The protocol's own word for what a request asks for, or `unknown`; never a word of the client's.
    func command(of request: Request) -> String
    /// What became of a request that is answered so.
    func outcome(of answer: Answer) -> RequestOutcome
    /// The row number of the account that a request was done for, as far as it is known.
    func account(for answer: Answer?) -> Int64?
}

extension RequestSession {
    public var hasRoom: Bool { connection?.isWritable == true }
    @inlinable public func requestsDone() { core.endIfDone() }
}

/// The requests of one connection: admitted in their order, answered in that order, and bounded as long as they wait.
///
/// A request is admitted in the call that brings it if its session can decide about it from memory; many of one
/// connection are in flight then. One that has to wait for the store becomes a task, and what follows waits for it.
/// What a request takes of the budget of all connections is given back when it is answered, and nothing is answered
/// while the peer does not read, so a connection holds little more than one answer.
///
/// Touched on the connection's event loop only: hence `@unchecked Sendable`. Inlinable and public, with what it refers
/// to, so that each protocol has a copy for types of its own: Swift 6.3 does not specialize what is inlinable and
/// `package`, and without copies a `ping_pong` takes 12 µs instead of 7.
public final class RequestPipeline<Session: RequestSession>: @unchecked Sendable {
    /// What a connection may have in flight before no more is read from it.
    public struct Limits {
        public var requests: Int
        public var bytes: Int

        /// Bounds in number, and in bytes as they came.
        public init(requests: Int, bytes: Int = 1 << 20) {
            self.requests = requests
            self.bytes = bytes
        }
    }

    @usableFromInline struct Waiting {
        @usableFromInline var request: Session.Request
        @usableFromInline var bytes: Int
        /// When it came.
        @usableFromInline let arrival = ConnectionRequestLog.now()

        @usableFromInline init(request: Session.Request, bytes: Int) {
            self.request = request
            self.bytes = bytes
        }
    }

    /// A request that was admitted.
    @usableFromInline struct Slot {
        @usableFromInline enum State {
            case open
            /// With what is to be written, if anything is.
            case settled(Session.Answer?, RequestOutcome)
        }

        @usableFromInline var state = State.open
        @usableFromInline var bytes: Int
        @usableFromInline var command: String
        @usableFromInline var arrival: UInt64
        /// Whose connection it was when it was admitted; only for the log, and only while that is on.
        @usableFromInline var account: Int64?

        @usableFromInline init(bytes: Int, command: String, arrival: UInt64, account: Int64?) {
            self.bytes = bytes
            self.command = command
            self.arrival = arrival
            self.account = account
        }
    }

    @usableFromInline unowned let session: Session
    @usableFromInline let limits: Limits
    @usableFromInline let executor: any TaskExecutor
    @usableFromInline let log: ConnectionRequestLog
    @usableFromInline var share: InboundShare
    @usableFromInline var inbox = Deque<Waiting>()
    @usableFromInline var slots = Deque<Slot>()
    /// The ticket of the first slot.
    @usableFromInline var firstTicket: UInt64 = 0
    /// It waits until all slots are answered.
    @usableFromInline var held: Waiting?
    @usableFromInline var performing: Task<Void, Never>?
    @usableFromInline var isPaused = false
    @usableFromInline var isAdvancing = false
    @usableFromInline var mustAdvanceAgain = false
    @usableFromInline var hasWritten = false
    @usableFromInline var isClosed = false

    /// Serves `session`, which must outlive it, on the loop of `executor`.
    @inlinable public init(
        of session: Session, limits: Limits, budget: InboundBudget, executor: any TaskExecutor,
        log: ConnectionRequestLog
    ) {
        self.session = session
        self.limits = limits
        self.executor = executor
        self.log = log
        share = InboundShare(of: budget)
    }

    /// Requests that have come and are not answered.
    @inlinable public var inFlight: Int { inbox.count + slots.count + (held == nil ? 0 : 1) }
    /// Whether a request is being done that had to wait.
    @inlinable public var isPerforming: Bool { performing != nil }

    // MARK: From the session

    /// Takes a request of so many bytes.
    ///
    /// - Returns: `false` if all connections together hold too much: the connection has to end.
    @inlinable public func receive(_ request: Session.Request, bytes: Int) -> Bool {
        guard !isClosed else { return true }
        guard share.take(bytes) else { return false }
        if mayAdmit, inbox.isEmpty, !isAdvancing {
            admit(Waiting(request: request, bytes: bytes))
        } else {
            inbox.append(Waiting(request: request, bytes: bytes))
        }
        if !isPaused, inFlight >= limits.requests || share.bytes > limits.bytes {
            isPaused = true
            session.connection?.pauseReading()
        }
        // A connection that was paused is not told that a read is over.
        if isPaused { advance() }
        return true
    }

    /// The answer to a request that was submitted; `nil` for none.
    ///
    /// Answers leave with the next ``advance()``.
    @inlinable public func settle(_ ticket: RequestTicket, _ answer: Session.Answer?) {
        guard ticket.number >= firstTicket, case let index = Int(ticket.number - firstTicket), index < slots.count
        else { return }
        slots[index].state = .settled(answer, answer.map { session.outcome(of: $0) } ?? .ok)
    }

    /// A request has no answer, or has written it.
    @inlinable public func settle(_ ticket: RequestTicket, as outcome: RequestOutcome) {
        guard ticket.number >= firstTicket, case let index = Int(ticket.number - firstTicket), index < slots.count
        else { return }
        slots[index].state = .settled(nil, outcome)
    }

    /// What a request asks for, where that was not known when it was admitted.
    @inlinable public func setCommand(_ command: String, of ticket: RequestTicket) {
        guard ticket.number >= firstTicket, case let index = Int(ticket.number - firstTicket), index < slots.count
        else { return }
        slots[index].command = command
    }

    /// Goes on with whatever can go on: to be called when a read is over, after answers, and when there is room again.
    @inlinable public func advance() {
        guard !isAdvancing else {
            mustAdvanceAgain = true
            return
        }
        guard !isClosed else { return }
        isAdvancing = true
        let wasBusy = inFlight > 0
        repeat {
            mustAdvanceAgain = false
            answerAll()
            admitAll()
            answerAll()
            // An answer that was known at once may have been the last one that a held request waited for.
        } while mustAdvanceAgain || mayStartHeld
        isAdvancing = false
        if hasWritten {
            hasWritten = false
            session.connection?.flush()
        }
        if wasBusy, inFlight == 0, !isClosed { session.requestsDone() }
    }

    /// Forgets the requests that were not admitted.
    @inlinable public func dropWaiting() {
        for waiting in inbox {
            share.giveBack(waiting.bytes)
            note(waiting)
        }
        inbox.removeAll()
    }

    /// The connection is gone: no answer is read, and a place in a queue that a request waits for becomes free.
    @inlinable public func close() {
        isClosed = true
        performing?.cancel()
        for slot in slots { note(slot, nil, .unanswered) }
        if let held { note(held) }
        for waiting in inbox { note(waiting) }
        inbox.removeAll()
        held = nil
        firstTicket += UInt64(slots.count)
        slots.removeAll()
        share.giveBackAll()
    }

    // MARK: Admitting

    @inlinable var mayAdmit: Bool { performing == nil && held == nil }

    @inlinable func admitAll() {
        startHeld()
        while mayAdmit, let next = inbox.popFirst() { admit(next) }
    }

    @inlinable func admit(_ waiting: Waiting) {
        let ticket = append(waiting)
        switch session.admit(waiting.request, as: ticket) {
        case .answer(let answer): settle(ticket, answer)
        case .finished(let outcome): settle(ticket, as: outcome)
        case .submitted: break
        case .waits(forAnswers: false): perform(waiting.request, as: ticket)
        case .waits(forAnswers: true):
            // Its place is the next one again.
            if !slots.isEmpty { slots.removeLast() }
            guard !isClosed else { return }
            held = waiting
            startHeld()
        }
    }

    @inlinable var mayStartHeld: Bool { held != nil && slots.isEmpty && session.hasRoom }

    @inlinable func startHeld() {
        guard mayStartHeld, let waiting = held else { return }
        held = nil
        perform(waiting.request, as: append(waiting))
    }

    @inlinable func append(_ waiting: Waiting) -> RequestTicket {
        slots.append(
            Slot(
                bytes: waiting.bytes, command: session.command(of: waiting.request), arrival: waiting.arrival,
                account: log.isOn ? session.account(for: nil) : nil))
        return RequestTicket(number: firstTicket + UInt64(slots.count - 1))
    }

    @inlinable func perform(_ request: Session.Request, as ticket: RequestTicket) {
        // What was answered before leaves while this one waits.
        if hasWritten {
            hasWritten = false
            session.connection?.flush()
        }
        let session = session
        performing = Task(executorPreference: executor) {
            let admission = await session.perform(request, as: ticket)
            self.performing = nil
            switch admission {
            case .answer(let answer): self.settle(ticket, answer)
            case .finished(let outcome): self.settle(ticket, as: outcome)
            case .waits: self.settle(ticket, as: .ok)
            case .submitted: break
            }
            self.advance()
        }
    }

    // MARK: Answering

    @inlinable func answerAll() {
        while let slot = slots.first, case .settled(let answer, let outcome) = slot.state {
            if let answer {
                guard session.hasRoom else {
                    // The peer is to get what it can read.
                    return
                }
                slots.removeFirst()
                firstTicket += 1
                // Before it is written: an answer may end the login.
                note(slot, answer, outcome)
                session.write(answer)
                hasWritten = true
            } else {
                slots.removeFirst()
                firstTicket += 1
                note(slot, nil, outcome)
            }
            guard !isClosed else { return }
            share.giveBack(slot.bytes)
            if isPaused, inFlight <= limits.requests / 2, share.bytes <= limits.bytes {
                isPaused = false
                session.connection?.resumeReading()
            }
        }
    }

    // MARK: What is told of them

    @inlinable func note(_ slot: Slot, _ answer: Session.Answer?, _ outcome: RequestOutcome) {
        let account = log.isOn ? session.account(for: answer) ?? slot.account : nil
        log.answered(slot.command, outcome, arrival: slot.arrival, account: account)
    }

    /// One that was never admitted.
    @inlinable func note(_ waiting: Waiting) {
        let command = session.command(of: waiting.request)
        log.answered(command, .unanswered, arrival: waiting.arrival, account: session.account(for: nil))
    }
}
