// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import Synchronization

/// What the delivery asks the domain for: reads that go through its memory, and what its memory must forget.
protocol DeliverySource: Sendable {
    /// The position of the last event of the log.
    func head() async throws(ChatError) -> Position
    /// Reads from the store; a failure is counted and logged.
    func reading<Value: Sendable>(_ body: () async throws -> Value) async throws(ChatError) -> Value
    func access(to id: FlowID) async throws(ChatError) -> FlowAccess
    /// Who saw a flow when the event at `position` had happened.
    func members(of flow: FlowID, at position: Position) async throws(ChatError) -> Set<UserID>
    func person(_ id: UserID) async throws(ChatError) -> Person
    /// A flow as its readers are shown it; `nil` when it was deleted.
    func shownFlow(_ id: FlowID) async throws(ChatError) -> (flow: Flow, readers: Set<UserID>?)?
    /// Takes note of what other processes wrote.
    func noteForeign(_ events: [LogEvent])
    /// Forgets all that was read from the store so far.
    func forgetWhatWasRead()
}

extension Chat: DeliverySource {}

/// Brings what is committed to the live connections: batch after batch, in the order of the log, apart from the writer.
///
/// What is not in the events is read once for all connections, a bounded part of a batch at a time. When more batches
/// wait than are kept, all connections are told to read the log, so memory is bounded and nothing is missed.
final class Delivery: Sendable {
    /// How many batches may wait.
    private static let maximumWaitingBatches = 256

    /// A committed batch; an empty one asks to look for what others wrote.
    private struct Batch {
        var events: [LogEvent] = []
        var committed: ContinuousClock.Instant?
        /// Which one it is of those that were to be enqueued.
        var number: Int?
    }

    let hub: Hub
    let presence: Presence
    let storage: Storage
    /// What was committed and handed over so far.
    let metrics: Metrics
    private let batches: AsyncStream<Batch>
    private let continuation: AsyncStream<Batch>.Continuation
    let instant: @Sendable () -> ContinuousClock.Instant
    private let ends: AsyncStream<Void>
    private let end: AsyncStream<Void>.Continuation
    private let hasDropped = Atomic(false)
    private let count = Atomic(0)
    /// How many batches were delivered or dropped.
    private let delivered = Atomic(0)
    private let isFinished = Atomic(false)
    /// Whether other processes write to the log as well.
    private let followsOthers: Bool
    /// The position up to which batches were enqueued or others' events were seen.
    private let known = Atomic<Int64>(0)

    init(
        followsOthers: Bool, hub: Hub, presence: Presence, storage: Storage, metrics: Metrics,
        instant: @escaping @Sendable () -> ContinuousClock.Instant
    ) {
        self.followsOthers = followsOthers
        self.hub = hub
        self.presence = presence
        self.storage = storage
        self.metrics = metrics
        self.instant = instant
        (batches, continuation) = AsyncStream.makeStream(
            of: Batch.self, bufferingPolicy: .bufferingOldest(Self.maximumWaitingBatches))
        (ends, end) = AsyncStream.makeStream(of: Void.self)
    }

    /// Committed batches of this process that wait to be delivered, or are being delivered.
    var waitingBatches: Int {
        max(0, count.load(ordering: .relaxed) - delivered.load(ordering: .relaxed))
    }

    /// Puts a committed batch into the queue; to commit it took so long.
    func enqueue(_ events: [LogEvent], committedIn duration: Duration = .zero) {
        guard let last = events.last else { return }
        known.max(last.position.rawValue, ordering: .relaxed)
        metrics.committed(events, in: duration)
        let number = count.wrappingAdd(1, ordering: .relaxed).oldValue
        if case .dropped = continuation.yield(Batch(events: events, committed: instant(), number: number)) {
            hasDropped.store(true, ordering: .releasing)
        }
    }

    /// Ends `run` when the queue is empty.
    func finish() {
        isFinished.store(true, ordering: .relaxed)
        continuation.finish()
        end.finish()
    }

    /// Delivers until `finish`; `source` says what the events do not.
    func run(from source: some DeliverySource) async {
        var position = Position.start
        if followsOthers {
            position = await start(from: source)
            // What others wrote until then comes in no batch: nothing from before is remembered.
            source.forgetWhatWasRead()
            // What was committed here before that is not delivered again; who is connected already reads it.
            hub.hintEverybody()
        }
        var next = 0
        for await batch in batches {
            let events = batch.events
            if let number = batch.number {
                // Between this one and the last some were dropped, and with them who joined and left.
                if number != next { hub.forgetAudiences() }
                next = number + 1
            }
            defer { delivered.store(next, ordering: .relaxed) }
            if followsOthers {
                guard await readOthers(after: &position, before: events.first?.position, from: source)
                else { continue }
                let rest = events.filter { $0.position > position }
                if let last = rest.last { position = last.position }
                await deliver(rest, committed: batch.committed, from: source)
            } else {
                await deliver(events, committed: batch.committed, from: source)
            }
            if hasDropped.exchange(false, ordering: .acquiring) { hub.hintEverybody() }
        }
    }

    // MARK: What other processes wrote

    /// How many events are read at a time.
    private static let pageEvents = 1000
    /// How often the log is looked at although no hint came.
    private static let lookPause = Duration.seconds(1)

    /// Where the log ends when the delivery begins.
    private func start(from source: some DeliverySource) async -> Position {
        while !Task.isCancelled, !isFinished.load(ordering: .relaxed) {
            if let head = try? await source.head() { return head }
            try? await Task.sleep(for: Self.lookPause)
        }
        return .start
    }

    /// Delivers what others wrote after `position`, up to our own batch, or to the end of the log.
    ///
    /// - Returns: Whether the store could be read; if not, our own batch is read again with what was missed.
    private func readOthers(
        after position: inout Position, before own: Position?, from source: some DeliverySource
    ) async -> Bool {
        // Positions have no gaps but for purged flows: then this is one read more.
        while own.map({ $0.rawValue > position.rawValue + 1 }) ?? true {
            guard var events = try? await storage.events(after: position, limit: Self.pageEvents) else {
                // The store is out of reach: the next look takes it up from here, and who is connected reads for
                // himself.
                known.store(position.rawValue, ordering: .relaxed)
                hub.hintEverybody()
                return false
            }
            // A page may be short because its events are large: the end is where none come.
            if let own { events.removeAll { $0.position >= own } }
            guard let last = events.last else { return true }
            source.noteForeign(events)
            position = last.position
            known.max(last.position.rawValue, ordering: .relaxed)
            await deliver(events, committed: nil, from: source)
        }
        return true
    }

    /// Looks into the log whenever another process says that it wrote, when the connection for such hints is new, and
    /// every second; until `finish`.
    func listen() async {
        let hints = storage.signals.subscribe()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await hint in hints {
                    if case .news(let news) = hint, news.to.rawValue <= self.known.load(ordering: .relaxed) { continue }
                    self.look()
                }
            }
            group.addTask {
                while (try? await Task.sleep(for: Self.lookPause)) != nil {
                    let head = try? await self.storage.head()
                    if let head, head.rawValue <= self.known.load(ordering: .relaxed) { continue }
                    self.look()
                }
            }
            for await () in ends {}
            group.cancelAll()
        }
    }

    /// Asks `run` to read to the end of the log.
    private func look() {
        continuation.yield(Batch())
    }
}
