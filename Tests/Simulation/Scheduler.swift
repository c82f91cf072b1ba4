// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSimulation

/// Where something runs that is done in order: an event loop, a wire, a peer.
final class Lane {
    let name: String
    /// The server process that it is part of; `nil` for what is outside of all of them.
    let process: SimulatedProcess?
    fileprivate var waiting: [() -> Void] = []
    fileprivate var first = 0

    init(_ name: String, of process: SimulatedProcess? = nil) {
        self.name = name
        self.process = process
    }
}

/// A process that can be stalled and killed.
final class SimulatedProcess {
    let name: String
    fileprivate(set) var isDead = false
    fileprivate var stalledUntil = Duration.zero

    init(_ name: String) {
        self.name = name
    }
}

/// The one thread of a simulation: what runs next is drawn, and time passes only here.
///
/// Jobs of Swift tasks come in any order, as on a pool of threads; what is in a lane comes in order. Jobs of a process
/// that was killed never come again, and what they hold stays: nobody there can notice.
final class Scheduler {
    private enum Item {
        case job(UnownedJob, SimulatedProcess?)
        case lane(Lane)
    }

    private struct Timer {
        var time: Duration
        var number: UInt64
        var process: SimulatedProcess?
        var body: () -> Void
    }

    /// For what is drawn about the order, so that it does not change what is drawn about the play.
    private var random: SeededRandom
    private var ready: [Item] = []
    /// What the dead had to do: it is kept, because its end would be noticed.
    private var buried: [Item] = []
    private var buriedTimers: [Timer] = []
    private var buriedBodies: [() -> Void] = []
    /// A heap.
    private var timers: [Timer] = []
    private var timerNumber: UInt64 = 0
    private(set) var now = Duration.zero
    /// The process whose job runs now: what it starts is part of it.
    private(set) var current: SimulatedProcess?
    /// The lane whose task runs now.
    private(set) var currentLane: Lane?
    private(set) var steps = 0

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        showTime()
    }

    private func showTime() {
        let (seconds, attoseconds) = now.components
        // A monotonic clock that begins at 0 would make "a minute ago" negative.
        simulation_set_clock((seconds + 1_000_000) * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    // MARK: What is to be done

    func enqueue(_ job: UnownedJob) {
        ready.append(.job(job, current))
    }

    /// Does `body` after what is in the lane already.
    func run(in lane: Lane, _ body: @escaping () -> Void) {
        if lane.first == lane.waiting.count { ready.append(.lane(lane)) }
        lane.waiting.append(body)
    }

    /// Does `body` when so much time has passed, for `process`.
    func after(_ delay: Duration, for process: SimulatedProcess?, _ body: @escaping () -> Void) {
        timerNumber += 1
        push(Timer(time: now + max(delay, .zero), number: timerNumber, process: process, body: body))
    }

    /// The same for the process that runs now.
    func after(_ delay: Duration, _ body: @escaping () -> Void) {
        after(delay, for: current, body)
    }

    /// Does `body` as a part of a process: the tasks that it starts are its own.
    func `as`<Result>(_ process: SimulatedProcess?, _ body: () throws -> Result) rethrows -> Result {
        let before = current
        current = process
        defer { current = before }
        return try body()
    }

    /// Suspends the task that asks.
    func pause(_ delay: Duration) async {
        await withCheckedContinuation { continuation in after(delay) { continuation.resume() } }
    }

    /// Keeps what a dead process waits for.
    func bury(_ body: @escaping () -> Void) { buriedBodies.append(body) }

    func kill(_ process: SimulatedProcess) { process.isDead = true }

    /// Nothing of it runs for so long.
    func stall(_ process: SimulatedProcess, for time: Duration) {
        process.stalledUntil = max(process.stalledUntil, now + time)
    }

    // MARK: Doing it

    /// Runs until `end`, or until there is nothing to do.
    ///
    /// - Returns: Whether so much is done without end that something must go round in circles.
    func run(until end: Duration) -> Bool {
        let limit = steps + 3_000_000
        while steps < limit {
            wakeTimers()
            if let item = take() {
                steps += 1
                perform(item)
                // Work takes time, so that timers fall between any two steps.
                now += .microseconds(Int(random.next() & 31))
                showTime()
            } else if let next = nextTime() {
                guard next <= end else { break }
                now = max(now, next)
                showTime()
            } else {
                break
            }
            if now >= end { break }
        }
        if now < end { now = end }
        showTime()
        return steps >= limit
    }

    private func perform(_ item: Item) {
        switch item {
        case .job(let job, let process):
            current = process
            job.runSynchronously(on: ProcessExecutors.executor.asUnownedTaskExecutor())
        case .lane(let lane):
            current = lane.process
            currentLane = lane
            let body = lane.waiting[lane.first]
            lane.first += 1
            if lane.first == lane.waiting.count {
                lane.waiting.removeAll(keepingCapacity: true)
                lane.first = 0
            } else {
                ready.append(item)
            }
            body()
        }
        current = nil
        currentLane = nil
    }

    private func process(of item: Item) -> SimulatedProcess? {
        switch item {
        case .job(_, let process): process
        case .lane(let lane): lane.process
        }
    }

    /// Draws what runs next; what belongs to the dead is dropped.
    private func take() -> Item? {
        var tries = 0
        while tries < ready.count {
            let index = (Int(truncatingIfNeeded: random.next() >> 1) % (ready.count - tries)) + tries
            let item = ready[index]
            if let process = process(of: item) {
                if process.isDead {
                    ready.swapAt(index, ready.count - 1)
                    buried.append(ready.removeLast())
                    continue
                }
                if process.stalledUntil > now {
                    ready.swapAt(index, tries)
                    tries += 1
                    continue
                }
            }
            ready.swapAt(index, ready.count - 1)
            ready.removeLast()
            return item
        }
        return nil
    }

    private func wakeTimers() {
        while let first = timers.first, first.time <= now {
            let timer = pop()
            guard let process = timer.process else {
                timer.body()
                continue
            }
            if process.isDead {
                buriedTimers.append(timer)
                continue
            }
            if process.stalledUntil > now {
                after(process.stalledUntil - now, for: process, timer.body)
            } else {
                self.as(process) { timer.body() }
            }
        }
    }

    /// When something happens next although nothing is ready.
    private func nextTime() -> Duration? {
        var time = timers.first?.time
        for item in ready {
            guard let process = process(of: item), process.stalledUntil > now else { continue }
            time = min(time ?? process.stalledUntil, process.stalledUntil)
        }
        return time
    }

    // MARK: The heap

    private static func isBefore(_ left: Timer, _ right: Timer) -> Bool {
        (left.time, left.number) < (right.time, right.number)
    }

    private func push(_ timer: Timer) {
        timers.append(timer)
        var child = timers.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.isBefore(timers[child], timers[parent]) else { return }
            timers.swapAt(child, parent)
            child = parent
        }
    }

    private func pop() -> Timer {
        timers.swapAt(0, timers.count - 1)
        let timer = timers.removeLast()
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < timers.count else { return timer }
            if child + 1 < timers.count, Self.isBefore(timers[child + 1], timers[child]) { child += 1 }
            guard Self.isBefore(timers[child], timers[parent]) else { return timer }
            timers.swapAt(child, parent)
            parent = child
        }
    }
}

// A simulation has one thread; the process has no other.
extension Scheduler: @unchecked Sendable {}
extension SimulatedProcess: @unchecked Sendable {}
extension Lane: @unchecked Sendable {}
