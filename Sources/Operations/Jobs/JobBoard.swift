// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage
import Synchronization

/// The long operations that this server runs for administrators, and those that have ended.
///
/// They are in the memory of this server only: a restart ends and forgets them, and another server of the same database
/// does not know them.
package final class JobBoard: Sendable {
    /// Bounds on what is kept.
    package struct Limits: Sendable {
        /// How many jobs may run at the same time.
        package var running = 4
        /// How many jobs are remembered; the oldest ones that have ended go first.
        package var kept = 100
        /// How many readers may follow jobs.
        package var readers = 32
        /// How often a reader hears that the server is there.
        package var pulse = Duration.seconds(15)

        package init() {}
    }

    /// Does a job; it is told where to say how far it is, and its task is cancelled to end it early.
    package typealias Work =
        @Sendable (_ progress: @escaping @Sendable (OperationProgress) async -> Void) async throws(OperationError) ->
        [UInt8]

    private struct Job {
        var snapshot: JobSnapshot
        /// Ends its task; `nil` when it has ended.
        var cancel: AsyncStream<Void>.Continuation?
        var isCancelled = false
    }

    private struct Reader {
        var job: String?
        var continuation: AsyncStream<JobSnapshot?>.Continuation
    }

    private struct State {
        var jobs: [Job] = []
        var readers: [Int: Reader] = [:]
        var nextReader = 0
        var isClosed = false

        /// Bytes are compared: an id from outside may be any text.
        func index(of id: String) -> Int? { jobs.firstIndex { $0.snapshot.report.id.utf8.elementsEqual(id.utf8) } }

        func tell(_ snapshot: JobSnapshot) {
            for reader in readers.values where reader.job == nil || reader.job == snapshot.report.id {
                reader.continuation.yield(snapshot)
            }
        }
    }

    private struct Start: Sendable {
        var id: String
        var work: Work
        var cancellation: AsyncStream<Void>
    }

    private let limits: Limits
    private let now: @Sendable () -> Timestamp
    private let makeID: @Sendable () -> String
    private let state = Mutex(State())
    private let starts: AsyncStream<Start>
    private let startSource: AsyncStream<Start>.Continuation

    /// Creates an empty board; `run()` does what is started.
    package init(
        limits: Limits = Limits(), now: @escaping @Sendable () -> Timestamp, makeID: @escaping @Sendable () -> String
    ) {
        self.limits = limits
        self.now = now
        self.makeID = makeID
        (starts, startSource) = AsyncStream.makeStream()
    }

    // MARK: Life

    /// Runs jobs until `close()`; those that still run then are cancelled, and waited for.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { [limits] in
                while (try? await Task.sleep(for: limits.pulse)) != nil { self.beat() }
            }
            for await start in starts { group.addTask { await self.perform(start) } }
            group.cancelAll()
        }
    }

    /// Takes no more jobs, cancels those that run, and ends what readers follow.
    package func close() {
        let (cancels, readers) = state.withLock { state in
            state.isClosed = true
            for index in state.jobs.indices where state.jobs[index].cancel != nil {
                state.jobs[index].isCancelled = true
            }
            return (state.jobs.compactMap(\.cancel), Array(state.readers.values))
        }
        for cancel in cancels { cancel.yield() }
        for reader in readers { reader.continuation.finish() }
        startSource.finish()
    }

    private func beat() {
        state.withLock { state in
            for reader in state.readers.values { reader.continuation.yield(nil) }
        }
    }

    private enum Event: Sendable {
        case cancelled
        case ended(Result<[UInt8], OperationError>)
    }

    private func perform(_ start: Start) async {
        await withTaskGroup(of: Event.self) { group in
            group.addTask {
                for await _ in start.cancellation { break }
                return .cancelled
            }
            group.addTask {
                do throws(OperationError) {
                    return .ended(.success(try await start.work { self.note($0, of: start.id) }))
                } catch {
                    return .ended(.failure(error))
                }
            }
            for await event in group {
                switch event {
                case .cancelled: group.cancelAll()
                case .ended(let result):
                    end(start.id, result)
                    group.cancelAll()
                }
            }
        }
    }

    private func note(_ progress: OperationProgress, of id: String) {
        state.withLock { state in
            guard let index = state.index(of: id), state.jobs[index].cancel != nil else { return }
            state.jobs[index].snapshot.report.progress = progress
            state.tell(state.jobs[index].snapshot)
        }
    }

    private func end(_ id: String, _ result: Result<[UInt8], OperationError>) {
        let time = now().text
        let readers = state.withLock { state -> [Reader] in
            guard let index = state.index(of: id) else { return [] }
            state.jobs[index].cancel = nil
            state.jobs[index].snapshot.report.ended = time
            switch result {
            case .success(let json):
                state.jobs[index].snapshot.report.state = .done
                state.jobs[index].snapshot.result = json
            case .failure(let error):
                let isCancelled = state.jobs[index].isCancelled && error == .interrupted
                state.jobs[index].snapshot.report.state = isCancelled ? .cancelled : .failed
                state.jobs[index].snapshot.report.error = isCancelled ? nil : error
            }
            state.tell(state.jobs[index].snapshot)
            return state.readers.values.filter { $0.job == id }
        }
        // Not under the lock, which what hears of the end takes.
        for reader in readers { reader.continuation.finish() }
    }

    // MARK: What administrators ask for

    /// Starts a job.
    ///
    /// - Throws: `.busy` when too many run already, or the server stops.
    package func start(
        _ operation: String, by principal: String, _ work: @escaping Work
    ) throws(OperationError) -> JobSnapshot {
        let (cancellation, cancel) = AsyncStream.makeStream(of: Void.self)
        let (id, time) = (makeID(), now().text)
        let snapshot = state.withLock { state -> JobSnapshot? in
            guard !state.isClosed, state.jobs.count(where: { $0.cancel != nil }) < limits.running else { return nil }
            while state.jobs.count >= limits.kept, let oldest = state.jobs.firstIndex(where: { $0.cancel == nil }) {
                state.jobs.remove(at: oldest)
            }
            let report = JobReport(
                id: id, operation: operation, principal: principal, state: .running, progress: nil, started: time,
                ended: nil, error: nil)
            let job = Job(snapshot: JobSnapshot(report: report), cancel: cancel)
            state.jobs.append(job)
            state.tell(job.snapshot)
            return job.snapshot
        }
        guard let snapshot else {
            throw OperationError(
                .busy, "\(limits.running) jobs are running already.", nextStep: "Wait until one has ended.")
        }
        startSource.yield(Start(id: id, work: work, cancellation: cancellation))
        return snapshot
    }

    /// The jobs that are remembered, newest first.
    package var jobs: [JobSnapshot] { state.withLock { $0.jobs.reversed().map(\.snapshot) } }

    /// A job.
    ///
    /// - Throws: `.notFound` that names it.
    package func job(_ id: String) throws(OperationError) -> JobSnapshot {
        let snapshot = state.withLock { state in state.index(of: id).map { state.jobs[$0].snapshot } }
        guard let snapshot else { throw Self.notFound(id) }
        return snapshot
    }

    /// Asks a job to end; what it has done until then stays.
    ///
    /// - Throws: `.notFound`; `.exists` when it has ended already.
    package func cancel(_ id: String) throws(OperationError) -> JobSnapshot {
        let (snapshot, cancel) = state.withLock { state -> (JobSnapshot?, AsyncStream<Void>.Continuation?) in
            guard let index = state.index(of: id) else { return (nil, nil) }
            state.jobs[index].isCancelled = state.jobs[index].cancel != nil
            return (state.jobs[index].snapshot, state.jobs[index].cancel)
        }
        guard let snapshot else { throw Self.notFound(id) }
        guard let cancel else { throw OperationError(.exists, "The job \(id) has ended already.") }
        cancel.yield()
        return snapshot
    }

    /// The changes of a job until it has ended, or of all jobs; first how they stand now, and `nil` from time to time.
    ///
    /// A reader that is slow misses changes, but never the last one.
    ///
    /// - Throws: `.notFound`; `.busy` when too many follow jobs already.
    package func changes(of id: String?) throws(OperationError) -> AsyncStream<JobSnapshot?> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: JobSnapshot?.self, bufferingPolicy: .bufferingNewest(limits.kept + 1))
        let refusal = state.withLock { state -> OperationError? in
            let known = state.jobs.map(\.snapshot).filter { id == nil || $0.report.id == id }
            if let id, known.isEmpty { return Self.notFound(id) }
            guard state.readers.count < limits.readers, !state.isClosed else {
                return OperationError(.busy, "Too many readers follow jobs already.", nextStep: "Try again later.")
            }
            for snapshot in known { continuation.yield(snapshot) }
            if id != nil, known.allSatisfy({ $0.report.state != .running }) {
                continuation.finish()
                return nil
            }
            let number = state.nextReader
            state.nextReader += 1
            state.readers[number] = Reader(job: id, continuation: continuation)
            continuation.onTermination = { _ in self.forgetReader(number) }
            return nil
        }
        if let refusal { throw refusal }
        return stream
    }

    private func forgetReader(_ number: Int) {
        state.withLock { $0.readers[number] = nil }
    }

    private static func notFound(_ id: String) -> OperationError {
        OperationError(
            .notFound, "There is no job '\(String(decoding: id.utf8.prefix(64), as: UTF8.self))'.",
            nextStep: "A server forgets its jobs when it ends; list those that it knows with GET /admin/api/v1/jobs.")
    }
}
