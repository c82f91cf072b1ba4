// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import Glibc
import TestClient

/// The options of this benchmark, checked.
struct PresenceStormOptions: Sendable {
    let people: Int
    let contacts: Int
    let lanes: Int
    let rounds: Int
    let addresses: Int
    let folder: String
    let server: String

    init(words: some Sequence<String>) throws(BenchmarkFailure) {
        let options = try BenchmarkOptions(
            words: words,
            defaults: [
                "people": "10000", "contacts": "10", "lanes": "256", "rounds": "3", "addresses": "8",
                "folder": "/var/tmp", "server": "",
            ])
        people = try options.number("people", in: 1...1_000_000)
        contacts = try options.number("contacts", in: 0...1000)
        lanes = try options.number("lanes", in: 1...10_000)
        rounds = try options.number("rounds", in: 1...1000)
        addresses = try options.number("addresses", in: 1...250)
        folder = options.text("folder")
        server = options.text("server")
    }
}

/// What one storm showed.
struct StormFigures: Sendable {
    var people: Int
    /// Until the last of them was back.
    var elapsed: Duration
    /// From connecting to the answer that they are logged in.
    var latencies: Latencies
    /// Processor time of the server until it was at rest again.
    var serverMicroseconds: Double
    /// What clients were told of others.
    var pushes: Int
    /// From the start to the last of those.
    var quietAfter: Duration?
    var residentKiB: Int
}

/// Everybody comes back at once: MTP with tokens, skaro by restoring sessions.
@main
enum PresenceStorm {
    static func main() async {
        do {
            try await measure(PresenceStormOptions(words: CommandLine.arguments.dropFirst()))
        } catch {
            BenchmarkFailure.end(with: error)
        }
    }

    private static func measure(_ options: PresenceStormOptions) async throws {
        try BenchmarkAccounts.allowOpenFiles(options.people + 100)
        let folder = try BenchmarkFolder(in: options.folder)
        defer { folder.remove() }
        write(BenchmarkSurroundings.describe(processors: sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let server = try await ServerProcess.start(
            program: options.server, database: .sqlite, folder: folder, host: "0.0.0.0")
        do {
            let accounts = try await BenchmarkAccounts.register(options.people, at: server.url())
            write("\(options.people) people, \(options.lanes) connecting at the same time\n")
            var table = BenchmarkTable([
                "", "back after s", "logins/s", "p50 ms", "p99 ms", "server us/login", "told of others",
                "all told after s", "server MiB",
            ])
            let storm = TokenStorm(accounts: accounts)
            var rounds: [StormFigures] = []
            for _ in 0..<options.rounds { rounds.append(try await storm.figures(of: server, options)) }
            table.add(row("MTP, token, push on", rounds))
            write(table.text)

            let start = ContinuousClock.now
            var restoring = try await RestoreStorm(on: server, options)
            let seconds = start.duration(to: .now) / .seconds(1)
            write("\(options.people) skaro logins, and \(options.contacts) contacts each: \(seconds.digits(1)) s\n")
            rounds = []
            for _ in 0..<options.rounds {
                let figures: StormFigures
                (figures, restoring) = try await restoring.figures(of: server, options)
                rounds.append(figures)
            }
            table.add(row("skaro, restore, \(options.contacts) contacts", rounds))
            write("Medians of \(options.rounds) storms:\n\(table.text)")
        } catch {
            kill(server.process.id, SIGKILL)
            throw error
        }
        await server.process.terminate()
    }

    private static func row(_ name: String, _ rounds: [StormFigures]) -> [String] {
        let people = Double(rounds.first?.people ?? 0)
        let elapsed = rounds.map { $0.elapsed / .seconds(1) }.median
        let quiet = rounds.compactMap { $0.quietAfter.map { $0 / .seconds(1) } }
        return [
            name, elapsed.digits(2), (people / elapsed).digits(0), rounds.map(\.latencies.median).median.digits(1),
            rounds.map(\.latencies.p99).median.digits(1),
            (rounds.map(\.serverMicroseconds).median / people).digits(0),
            rounds.map { Double($0.pushes) }.median.digits(0), quiet.isEmpty ? "-" : quiet.median.digits(2),
            (rounds.map { Double($0.residentKiB) }.median / 1024).digits(0),
        ]
    }

    private static func write(_ text: String) {
        print(text, terminator: "")
        OutputBuffer.flush()
    }
}
