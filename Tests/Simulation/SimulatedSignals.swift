// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// A node's connection for the hints of other nodes: late, lossy, and sometimes cut.
final class SimulatedSignals: LogSignals, @unchecked Sendable {
    private let streams = LogHintStreams(isConnected: true)
    private let scheduler: Scheduler
    private let process: SimulatedProcess
    private let trace: Trace
    private let lane: Lane
    private var random: SeededRandom
    private var lostPercent: Double
    private var isConnected = true
    /// When the connection was last cut.
    private(set) var lastTrouble = Duration.zero

    init(process: SimulatedProcess, scheduler: Scheduler, trace: Trace, weather: StoreWeather, seed: UInt64) {
        self.process = process
        self.scheduler = scheduler
        self.trace = trace
        lane = Lane("\(process.name) hints", of: process)
        lostPercent = weather.lostHintsPercent
        random = SeededRandom(seed: seed)
    }

    /// The transaction itself carries the hint.
    func publish(_ news: LogNews) {}

    func subscribe() -> AsyncStream<LogHint> { streams.subscribe() }
    func close() async { streams.finish() }

    /// The database tells of a commit.
    func notified(_ text: String) {
        guard isConnected else { return }
        if random.chance(lostPercent) { return trace.count(.lostHints) }
        guard let news = LogNews(text: text) else { return }
        yield(.news(news))
        if random.chance(2) {
            trace.count(.doubledHints)
            yield(.news(news))
        }
    }

    private func yield(_ hint: LogHint) {
        // In order, however long each takes.
        scheduler.run(in: lane) { [streams] in streams.yield(hint) }
    }

    /// Cuts the connection for a while; what is told meanwhile is lost.
    func cut(for time: Duration) {
        isConnected = false
        lastTrouble = max(lastTrouble, scheduler.now + time)
        streams.disconnected()
        scheduler.after(time, for: process) { [self] in
            // Another cut may have begun meanwhile, which ends later.
            guard !isConnected, scheduler.now >= lastTrouble else { return }
            isConnected = true
            streams.connected()
        }
    }

    func expose(to weather: StoreWeather) { lostPercent = weather.lostHintsPercent }
    func heal() { lostPercent = 0 }
}
