// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSimulation
import Credentials
import Glibc
import Storage

/// What is the same for every seed: an empty database with its schema, and a process that has done everything once,
/// made before the first one.
enum Stage {
    nonisolated(unsafe) static var database: SimulatedDatabase?
    nonisolated(unsafe) static var hasher: PasswordHasher?
    nonisolated(unsafe) static var keys: Keys?
    /// Kept: the end of its tasks would be work, too.
    nonisolated(unsafe) private static var rehearsals: [World] = []

    static func prepare() throws {
        keys = try Keys()
        let database = try SimulatedDatabase()
        let scheduler = Scheduler(seed: 0)
        ProcessExecutors.current = scheduler
        let process = SimulatedProcess("stage")
        let trace = Trace(scheduler)
        let signals = SimulatedSignals(
            process: process, scheduler: scheduler, trace: trace, weather: StoreWeather(), seed: 0)
        let engine = SimulatedEngine(
            database, signals: signals, process: process, scheduler: scheduler, trace: trace,
            weather: StoreWeather(), seed: 0)
        let storage = Storage(engine: engine) { Timestamp(milliseconds: World.start) }
        scheduler.as(process) {
            _ = Task { _ = try await storage.migrate() }
        }
        _ = scheduler.run(until: .seconds(60))
        self.database = database
        hasher = try PasswordHasher(.init(memoryBytes: 8192, iterations: 1, maximumWaiting: 4096))
        try rehearse()
    }

    /// Plays some seeds that do not count, and undoes what they wrote: types are looked up, symbols bound and
    /// statements prepared once here, and not in the process of each seed.
    private static func rehearse() throws {
        guard let database, let hasher, let keys else { return }
        for seed in UInt64.max - 2...UInt64.max {
            try database.rehearse {
                let world = World(seed: seed, database: database, hasher: hasher, keys: keys)
                var play = Play(world)
                play.run()
                rehearsals.append(world)
            }
        }
    }

    /// Plays one seed; prints its trace when it fails, or when it alone was asked for.
    static func play(_ seed: UInt64, isOne: Bool) -> Int32 {
        guard let database, let hasher, let keys else { return 1 }
        let world = World(seed: seed, database: database, hasher: hasher, keys: keys)
        var play = Play(world)
        play.run()
        do {
            try Verdict(world).judge()
        } catch {
            world.problem("there is no verdict: \(error)")
        }
        Tally.add(world)
        // What was kept is printed only now: printing must not change what is played.
        if isOne || !world.problems.isEmpty {
            var text = "Seed \(seed), \(world.scheduler.steps) steps, digest \(String(world.trace.digest, radix: 16))\n"
            if isOne { for line in world.trace.lines { text += line + "\n" } }
            for line in world.problems.prefix(isOne ? 1000 : 8) { text += "  \(line)\n" }
            text.withCString { _ = write(STDOUT_FILENO, $0, strlen($0)) }
        }
        return world.problems.isEmpty ? 0 : 1
    }

    /// Plays what the environment asks for.
    ///
    /// - Returns: The status of the process.
    static func playAll() -> Int32 {
        do {
            try prepare()
        } catch {
            print("The stage cannot be prepared: \(error)")
            return 70
        }
        let orders = simulation_get_orders()
        let failures = simulation_play_all(orders) { seed, isOne in Stage.play(seed, isOne: isOne != 0) }
        print("\(orders.count) seeds from \(orders.first) on, \(failures) failed.")
        print(Tally.text)
        return failures == 0 ? 0 : 1
    }
}
