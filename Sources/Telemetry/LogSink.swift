// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import Synchronization
import Threads

/// Where all loggers' messages go: a bounded queue and one thread that writes it to console and files.
///
/// A caller never waits for a disk or a terminal, except after a message of level critical. When the writer cannot keep
/// up, trace and debug messages are dropped first, and a line says how many. The thread starts with the first message.
package final class LogSink: Sendable {
    private struct Queue {
        var records: [LogRecord] = []
        var droppedVerbose = 0
        var dropped = 0
        /// How many orders were ever given and carried out: a message, a flush, a reopening each count.
        var ordered: UInt64 = 0
        var done: UInt64 = 0
        var waiting: [(order: UInt64, signal: LogSignal)] = []
        var shallReopen = false
        var phase = Phase.idle
        var totals = Totals()
    }

    /// What became of messages since the sink was made.
    package struct Totals: Sendable, Equatable {
        /// Messages of level error and critical.
        package var errors: UInt64 = 0
        /// Messages of level warning.
        package var warnings: UInt64 = 0
        /// Messages that were dropped.
        package var dropped: UInt64 = 0

        fileprivate mutating func count(_ level: LogLevel) {
            if level >= .error { errors &+= 1 } else if level == .warning { warnings &+= 1 }
        }
    }

    private enum Phase { case idle, running, stopping, stopped }

    /// What the writer takes out of the queue at once.
    private struct Batch: Sendable {
        var records: [LogRecord]
        var droppedVerbose: Int
        var dropped: Int
        var shallReopen: Bool
        var lastOrder: UInt64
        var isLast: Bool
    }

    /// From which level on messages are logged, by module.
    let rules: Mutex<LogLevels>
    /// Who watches the messages of this process.
    let watchers = LogWatchers()
    /// The number of the least important level that anything wants.
    let floor: Atomic<Int>
    let now: @Sendable () -> LogTime
    let instant: @Sendable () -> ContinuousClock.Instant
    private let capacity: Int
    private let queue = Mutex(Queue())
    private let outputs: Mutex<LogOutputs>
    private let wakeUp = LogSignal()

    private static let criticalTimeout: Duration = .seconds(5)
    private static let expiryInterval: Duration = .seconds(3600)

    /// Opens the outputs.
    ///
    /// - Throws: `LogError`, which names the folder or file that cannot be written.
    package init(_ configuration: LogConfiguration) throws(LogError) {
        rules = Mutex(LogLevels(level: configuration.level))
        floor = Atomic(configuration.level.rawValue)
        now = configuration.now
        instant = configuration.instant
        capacity = min(max(1, configuration.queueCapacity), 1 << 20)
        outputs = Mutex(try LogOutputs(configuration))
    }

    /// The least important level of messages that go anywhere, for loggers that have none of their own.
    package var level: LogLevel { LogLevel(rawValue: floor.load(ordering: .relaxed)) ?? .info }

    /// Goes on with other outputs and levels, as the settings have them now; modules keep levels of their own.
    ///
    /// Files are opened by their names again, also when nothing has changed.
    ///
    /// - Throws: `LogError`, which names the folder or file that cannot be written; then nothing has changed.
    package func reconfigure(_ configuration: LogConfiguration) throws(LogError) {
        let new = try LogOutputs(configuration)
        flush()
        outputs.withLock { outputs in
            outputs.close()
            outputs = new
        }
        setLevel(configuration.level)
    }

    /// Messages that were dropped and not yet reported in the log, for tests.
    package var unreportedDrops: Int { queue.withLock { $0.droppedVerbose + $0.dropped } }

    /// What became of messages so far.
    package var totals: Totals { queue.withLock { $0.totals } }

    /// Waits until everything that was logged before is written.
    ///
    /// - Returns: Whether it was, within `timeout`.
    @discardableResult
    package func flush(timeout: Duration = .seconds(5)) -> Bool {
        let signal = LogSignal()
        let mustWait = queue.withLock { queue -> Bool in
            guard queue.phase == .running || queue.phase == .stopping, queue.done < queue.ordered else { return false }
            queue.waiting.append((queue.ordered, signal))
            return true
        }
        return !mustWait || signal.wait(atMost: timeout)
    }

    /// Opens the files by their names again: call it after another program has renamed them.
    package func reopen() {
        let orders = queue.withLock { queue -> (wakes: Bool, starts: Bool) in
            guard queue.phase == .idle || queue.phase == .running else { return (false, false) }
            queue.shallReopen = true
            queue.ordered += 1
            return (true, Self.starts(&queue))
        }
        if orders.starts { startThread() }
        if orders.wakes { wakeUp.send() }
    }

    /// Writes what is left, closes the files and ends the thread.
    ///
    /// What is logged afterwards is lost.
    package func shutdown(timeout: Duration = .seconds(5)) {
        let phase = queue.withLock { queue -> Phase in
            let phase = queue.phase
            if phase == .idle { queue.phase = .stopped }
            if phase == .running {
                queue.phase = .stopping
                queue.ordered += 1
            }
            return phase
        }
        switch phase {
        case .idle: outputs.withLock { $0.close() }
        case .running:
            wakeUp.send()
            flush(timeout: timeout)
        case .stopping: flush(timeout: timeout)
        case .stopped: break
        }
    }

    func submit(
        level: LogLevel, label: String, message: String, metadata: Logger.Metadata, source: String, file: String,
        function: String, line: UInt, isWanted: Bool = false
    ) {
        let record = LogRecord(
            time: now(), level: level, label: label,
            message: LogText.limited(message, to: LogText.maximumMessageBytes), metadata: metadata, source: source,
            file: file, function: function, line: line)
        let isLogged = isWanted || rules.withLock { $0.allows(record) }
        if watchers.note(record, isLogged: isLogged, now: instant()) { updateFloor() }
        guard isLogged else { return }
        let orders = queue.withLock { queue -> (wakes: Bool, starts: Bool) in
            guard queue.phase == .idle || queue.phase == .running else { return (false, false) }
            queue.totals.count(level)
            let limit = level < .info ? capacity : level < .error ? capacity * 2 : capacity * 4
            guard queue.records.count < limit else {
                if level < .info { queue.droppedVerbose += 1 } else { queue.dropped += 1 }
                queue.totals.dropped &+= 1
                return (false, false)
            }
            queue.records.append(record)
            queue.ordered += 1
            return (queue.records.count == 1, Self.starts(&queue))
        }
        if orders.starts { startThread() }
        if orders.wakes { wakeUp.send() }
        if level == .critical { flush(timeout: Self.criticalTimeout) }
    }

    private static func starts(_ queue: inout Queue) -> Bool {
        guard queue.phase == .idle else { return false }
        queue.phase = .running
        return true
    }

    private func startThread() {
        if BlockingThread.start({ self.run() }) { return }
        // No thread to be had: what waits is dropped, and the next message tries again.
        queue.withLock { queue in
            queue.phase = .idle
            queue.dropped += queue.records.count
            queue.records = []
            queue.done = queue.ordered
        }
    }

    private func run() {
        // Writing to a closed pipe gives an error in place of a signal that would end the process; and signals that
        // others handle do not land here.
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        while true {
            wakeUp.wait(atMost: Self.expiryInterval)
            let batch = takeBatch()
            outputs.withLock { outputs in
                if batch.shallReopen { outputs.reopen() }
                outputs.write(batch.records + dropNote(batch))
                outputs.deleteExpiredNowAndThen()
                if batch.isLast { outputs.close() }
            }
            let signals = queue.withLock { queue -> [LogSignal] in
                queue.done = batch.lastOrder
                if batch.isLast { queue.phase = .stopped }
                let satisfied = queue.waiting.filter { $0.order <= queue.done }
                queue.waiting.removeAll { $0.order <= queue.done }
                return satisfied.map(\.signal)
            }
            for signal in signals { signal.send() }
            if batch.isLast { return }
        }
    }

    private func takeBatch() -> Batch {
        queue.withLock { queue in
            defer {
                queue.records = []
                queue.droppedVerbose = 0
                queue.dropped = 0
                queue.shallReopen = false
            }
            return Batch(
                records: queue.records, droppedVerbose: queue.droppedVerbose, dropped: queue.dropped,
                shallReopen: queue.shallReopen, lastOrder: queue.ordered, isLast: queue.phase == .stopping)
        }
    }

    private func dropNote(_ batch: Batch) -> [LogRecord] {
        guard batch.droppedVerbose + batch.dropped > 0 else { return [] }
        return [
            LogRecord(
                time: now(), level: .warning, label: "parley.log",
                message: "Log messages were dropped because they came faster than they could be written.",
                metadata: [
                    "log.dropped.verbose": .stringConvertible(batch.droppedVerbose),
                    "log.dropped.other": .stringConvertible(batch.dropped),
                ],
                source: "Telemetry", file: #fileID, function: #function, line: #line)
        ]
    }
}

/// Counts what one side sends until the other takes it.
///
/// `@unchecked`: the lock and the condition stay at one address from `init` to `deinit`, the C functions may be called
/// from any thread, and `count` is only touched under the lock.
final class LogSignal: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let sent = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var count = 0

    init() {
        pthread_mutex_init(lock, nil)
        // Setting the time of day neither ends nor stretches a wait.
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(sent, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(sent)
        pthread_mutex_destroy(lock)
        sent.deallocate()
        lock.deallocate()
    }

    func send() {
        pthread_mutex_lock(lock)
        count += 1
        pthread_cond_signal(sent)
        pthread_mutex_unlock(lock)
    }

    /// Whether the signal came in time.
    @discardableResult
    func wait(atMost timeout: Duration) -> Bool {
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let (seconds, attoseconds) = timeout.components
        deadline.tv_sec += Int(seconds)
        deadline.tv_nsec += Int(attoseconds / 1_000_000_000)
        if deadline.tv_nsec >= 1_000_000_000 {
            deadline.tv_sec += 1
            deadline.tv_nsec -= 1_000_000_000
        }
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while count == 0 {
            guard pthread_cond_timedwait(sent, lock, &deadline) == 0 else { break }
        }
        guard count > 0 else { return false }
        count -= 1
        return true
    }
}
