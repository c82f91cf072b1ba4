// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import Synchronization

/// Brings what is committed to the live connections: batch after batch, in the order of the log, apart from the writer.
///
/// Messages go to the sinks as they are; of anything else the connections are told to read the log. When more batches
/// wait than are kept, everybody is told to read, so memory is bounded and nothing is missed.
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

    /// What was committed and handed over so far.
    let metrics: Metrics
    private let batches: AsyncStream<Batch>
    private let continuation: AsyncStream<Batch>.Continuation
    private let instant: @Sendable () -> ContinuousClock.Instant
    private let ends: AsyncStream<Void>
    private let end: AsyncStream<Void>.Continuation
    private let hasDropped = Atomic(false)
    private let count = Atomic(0)
    private let isFinished = Atomic(false)
    /// Whether other processes write to the log as well.
    private let followsOthers: Bool
    /// The position up to which batches were enqueued or others' events were seen.
    private let known = Atomic<Int64>(0)

    init(followsOthers: Bool, instant: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.followsOthers = followsOthers
        self.instant = instant
        metrics = Metrics(started: instant())
        (batches, continuation) = AsyncStream.makeStream(
            of: Batch.self, bufferingPolicy: .bufferingOldest(Self.maximumWaitingBatches))
        (ends, end) = AsyncStream.makeStream(of: Void.self)
    }

    /// Puts a committed batch into the queue.
    func enqueue(_ events: [LogEvent]) {
        guard let last = events.last else { return }
        known.max(last.position.rawValue, ordering: .relaxed)
        metrics.committed(events)
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

    /// Delivers until `finish`.
    func run(for chat: Chat) async {
        var position = Position.start
        if followsOthers {
            position = await start(of: chat)
            // What others wrote until then comes in no batch: nothing from before is remembered.
            chat.forgetWhatWasRead()
            // What was committed here before that is not delivered again; who is connected already reads it.
            chat.hub.hintEverybody()
        }
        var next = 0
        for await batch in batches {
            let events = batch.events
            if let number = batch.number {
                // Between this one and the last some were dropped, and with them who joined and left.
                if number != next { chat.hub.forgetAudiences() }
                next = number + 1
            }
            if followsOthers {
                guard await readOthers(after: &position, before: events.first?.position, for: chat) else { continue }
                let rest = events.filter { $0.position > position }
                if let last = rest.last { position = last.position }
                await deliver(rest, committed: batch.committed, for: chat)
            } else {
                await deliver(events, committed: batch.committed, for: chat)
            }
            if hasDropped.exchange(false, ordering: .acquiring) { chat.hub.hintEverybody() }
        }
    }

    // MARK: What other processes wrote

    /// How many events are read at a time.
    private static let pageEvents = 1000
    /// How often the log is looked at although no hint came.
    private static let lookPause = Duration.seconds(1)

    /// Where the log ends when the delivery begins.
    private func start(of chat: Chat) async -> Position {
        while !Task.isCancelled, !isFinished.load(ordering: .relaxed) {
            if let head = try? await chat.head() { return head }
            try? await Task.sleep(for: Self.lookPause)
        }
        return .start
    }

    /// Delivers what others wrote after `position`, up to our own batch, or to the end of the log.
    ///
    /// - Returns: Whether the store could be read; if not, our own batch is read again with what was missed.
    private func readOthers(after position: inout Position, before own: Position?, for chat: Chat) async -> Bool {
        // Positions have no gaps but for purged flows: then this is one read more.
        while own.map({ $0.rawValue > position.rawValue + 1 }) ?? true {
            guard var events = try? await chat.storage.events(after: position, limit: Self.pageEvents) else {
                // The store is out of reach: the next look takes it up from here, and who is connected reads for himself.
                known.store(position.rawValue, ordering: .relaxed)
                chat.hub.hintEverybody()
                return false
            }
            // A page may be short because its events are large: the end is where none come.
            if let own { events.removeAll { $0.position >= own } }
            guard let last = events.last else { return true }
            chat.noteForeign(events)
            position = last.position
            known.max(last.position.rawValue, ordering: .relaxed)
            await deliver(events, committed: nil, for: chat)
        }
        return true
    }

    /// Looks into the log whenever another process says that it wrote, when the connection for such hints is new, and
    /// every second; until `finish`.
    func listen(to storage: Storage) async {
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
                    let head = try? await storage.head()
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

    private func deliver(
        _ events: [LogEvent], committed: ContinuousClock.Instant?, for chat: Chat
    ) async {
        for event in events {
            if event.kind == .user, let user = event.subject { chat.presence.profileChanged(UserID(user)) }
            if event.kind == .contact { chat.hub.contactChanged(event) }
        }
        var rest = events[...]
        while let event = rest.first {
            guard event.kind == .message, let id = event.flow else {
                await hint(for: event, in: chat)
                rest = rest.dropFirst()
                continue
            }
            let messages = rest.prefix { $0.kind == .message && $0.flow == id }
            rest = rest.dropFirst(messages.count)
            guard chat.hub.hasListeners else { continue }
            await deliver(messages, of: id, committed: committed, for: chat)
        }
    }

    private func hint(for event: LogEvent, in chat: Chat) async {
        // Also when nobody listens: who comes next must not find the members of before.
        var audience = chat.hub.follow(event)
        guard chat.hub.hasListeners else { return }
        if let id = event.flow, let flow = try? await chat.access(to: id) {
            audience = try? await self.audience(of: flow, at: event.position, for: chat)
        }
        chat.hub.hint(for: event, audience: audience)
    }

    /// Who listens to a flow, as the event at `position` left it.
    private func audience(
        of flow: FlowAccess, at position: Position, for chat: Chat
    ) async throws(ChatError) -> Audience {
        if let known = chat.hub.audience(of: flow) { return known }
        return chat.hub.audience(of: flow.id, members: try await chat.members(of: flow.id, at: position))
    }

    private func deliver(
        _ events: ArraySlice<LogEvent>, of id: FlowID, committed: ContinuousClock.Instant?, for chat: Chat
    ) async {
        do throws(ChatError) {
            guard let first = events.first else { return }
            let flow = try await chat.access(to: id)
            let audience = try await audience(of: flow, at: first.position, for: chat)
            guard !audience.lists.isEmpty else { return }
            var messages: [LiveMessage] = []
            for event in events {
                let content = MessageContent(content: event.content, blobs: [:])
                // What lies beside the event is only in the store, and what was deleted since says nothing here.
                if content.isIncomplete || event.isErased { return audience.hint() }
                messages.append(
                    LiveMessage(
                        position: event.position, number: event.number ?? 0, uuid: event.uuid, time: event.time,
                        sender: try await chat.person(event.sender ?? UserID(0)), content: content))
            }
            let run = LiveRun(flow: flow, messages: messages)
            for (sink, connections) in audience.lists { sink.deliver(run, to: connections) }
            metrics.handedOver(
                messages: messages.count, to: audience.lists.reduce(0) { $0 + $1.connections.count },
                after: committed.map { $0.duration(to: instant()) })
        } catch {
            // The flow is gone, or the store is; the reads will tell.
            chat.hub.hintEverybody()
        }
    }
}
