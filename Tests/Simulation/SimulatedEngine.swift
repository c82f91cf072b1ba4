// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// How the store treats the nodes; drawn for each seed.
struct StoreWeather {
    /// The longest way of a request or an answer.
    var longestDelay = Duration.milliseconds(5)
    /// In how many of a hundred transactions a statement fails.
    var failsPercent = 0.0
    /// In how many of a hundred commits the connection breaks.
    var breaksPercent = 0.0
    /// How many of a hundred hints are lost.
    var lostHintsPercent = 0.0
}

/// A node's way to the shared database, with faults.
final class SimulatedEngine: StorageEngine, @unchecked Sendable {
    let signals: any LogSignals
    private let database: SimulatedDatabase
    private let scheduler: Scheduler
    private let process: SimulatedProcess
    private let trace: Trace
    private var random: SeededRandom
    private var weather: StoreWeather
    /// Until then nothing is reached.
    private var outOfReachUntil = Duration.zero
    /// When a fault was last seen here.
    private(set) var lastFault: Duration?
    private var isWriting = false
    private var waitingWriters: [CheckedContinuation<Void, Never>] = []
    private var isClosed = false

    init(
        _ database: SimulatedDatabase, signals: any LogSignals, process: SimulatedProcess, scheduler: Scheduler,
        trace: Trace, weather: StoreWeather, seed: UInt64
    ) {
        self.database = database
        self.signals = signals
        self.process = process
        self.scheduler = scheduler
        self.trace = trace
        self.weather = weather
        random = SeededRandom(seed: seed)
    }

    var dialect: SQLDialect { database.dialect }

    /// From now on it is treated like that.
    func expose(to weather: StoreWeather) { self.weather = weather }

    /// Cuts the node off from the store for a while.
    func cut(for time: Duration) {
        outOfReachUntil = max(outOfReachUntil, scheduler.now + time)
        noteFault()
    }

    /// No more faults from now on.
    func heal() {
        outOfReachUntil = .zero
        weather = StoreWeather()
    }

    private func noteFault() { lastFault = scheduler.now }

    private var isOutOfReach: Bool { scheduler.now < outOfReachUntil }

    private func delay() -> Duration { random.time(.microseconds(50), weather.longestDelay) }

    private static let lost = StorageError(.unavailable, "The connection to the database was lost. Try again.")
    private static let unknown = StorageError(.commitUnknown, "The connection broke during COMMIT.")

    /// Does `body` at the database and brings back what it says, both after a delay.
    private func roundTrip<Value: Sendable>(
        _ body: @escaping (_ answer: @escaping (Result<Value, StorageError>) -> Void) -> Void
    ) async -> Result<Value, StorageError> {
        await withCheckedContinuation { continuation in
            let (there, back) = (delay(), delay())
            scheduler.after(there, for: nil) { [scheduler, process] in
                body { result in
                    scheduler.after(back, for: process) { continuation.resume(returning: result) }
                }
            }
        }
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        if isClosed { throw StorageError(.unavailable, "The database is closed.") }
        let result: Result<Value, StorageError> = await roundTrip { [self] answer in
            if process.isDead { return scheduler.bury { answer(.failure(Self.lost)) } }
            if isOutOfReach || random.chance(weather.failsPercent) {
                noteFault()
                trace.count(.failedReads)
                return answer(.failure(Self.lost))
            }
            answer(database.read(body))
        }
        return try result.get()
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        if isClosed { throw StorageError(.unavailable, "The database is closed.") }
        if isWriting { await withCheckedContinuation { waitingWriters.append($0) } }
        isWriting = true
        let result: Result<Value, StorageError> = await roundTrip { [self] answer in
            database.whenUnlocked { self.commit(body, answer) }
        }
        if waitingWriters.isEmpty { isWriting = false } else { waitingWriters.removeFirst().resume() }
        return try result.get()
    }

    /// At the database: the transaction, or what becomes of it.
    private func commit<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        _ answer: @escaping (Result<Value, StorageError>) -> Void
    ) {
        // Of what a killed process had under way, some had sent its COMMIT.
        if process.isDead {
            if random.chance(50) {
                trace.count(.commitsOfTheDead)
                _ = database.write(failing: nil, body)
            }
            return scheduler.bury { answer(.failure(Self.lost)) }
        }
        if isOutOfReach {
            noteFault()
            trace.count(.unreachedWrites)
            return answer(.failure(Self.lost))
        }
        if random.chance(weather.failsPercent) {
            noteFault()
            trace.count(.failedStatements)
            let error = random.chance(50) ? Self.lost : StorageError(.writeFailed, "A statement failed.")
            return answer(
                database.write(failing: StatementFault(index: Int(random.next() % 12), error: error), body))
        }
        if random.chance(weather.breaksPercent) {
            noteFault()
            switch random.next() % 3 {
            case 0:
                trace.count(.breaksBeforeCommit)
                trace("\(process.name): the connection breaks before COMMIT")
            case 1:
                trace.count(.breaksAfterCommit)
                trace("\(process.name): the connection breaks after COMMIT")
                _ = database.write(failing: nil, body)
            default:
                trace.count(.breaksDuringCommit)
                let late = random.time(.milliseconds(1), .milliseconds(500))
                trace("\(process.name): the connection breaks during COMMIT, which takes \(late)")
                database.lock()
                scheduler.after(late, for: nil) { [database] in
                    _ = database.write(failing: nil, body)
                    database.unlock()
                }
            }
            return answer(.failure(Self.unknown))
        }
        answer(database.write(failing: nil, body))
    }

    func facts() async throws(StorageError) -> EngineFacts {
        EngineFacts(version: "simulated", location: "memory", sizeBytes: 0, durability: [:])
    }

    func close() async {
        isClosed = true
        await signals.close()
    }
}
