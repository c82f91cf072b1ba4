// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Runs the program `Simulation`: whole clusters in one thread, with all that can happen drawn from a seed.
@Suite(.serialized)
struct SimulationTests {
    /// What a run of the program said.
    private struct Run {
        var status: Int32
        var output: String

        /// The sums over all seeds: equal for equal runs.
        var tally: Substring? { output.split(separator: "\n").last { $0.hasPrefix("seeds ") } }

        /// How often each kind was drawn or came of it.
        var counts: [Substring: Int] {
            let pairs = (tally ?? "").split(separator: ", ").map { $0.split(separator: " ") }
            return Dictionary(pairs.map { ($0[0], Int($0[1]) ?? 0) }) { $1 }
        }
    }

    private func play(_ orders: [String: String]) throws -> Run {
        let process = Process()
        process.executableURL = Self.program
        process.environment = ProcessInfo.processInfo.environment.merging(orders) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Run(status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
    }

    /// Beside the tests.
    private static let program: URL = {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: tests).deletingLastPathComponent().appending(path: "Simulation")
    }()

    @Test func clustersKeepTheRulesWhateverHappens() throws {
        let run = try play([:])

        #expect(run.status == 0, "\(run.output.suffix(20_000))")
        let asked = ProcessInfo.processInfo.environment["PARLEY_SIMULATION_SEEDS"].flatMap { Int($0) }
        #expect(run.counts["seeds"] == asked ?? 500)
        // A kind that is never drawn would go unnoticed.
        #expect(run.counts.filter { $0.value == 0 }.keys.sorted() == [], "\(run.tally ?? "")")
    }

    @Test(arguments: [
        ("dropped", "was never shown"), ("doubled", "twice"), ("swapped", " after "),
        ("leaked", ", and was not in flow "), ("stale", ", which was changed to "), ("forged", " wrote at "),
        ("forgotten", "was acknowledged and is not in the log"), ("contradicted", "was refused (not at all) and is at"),
        ("kept", "after its end at"), ("kept", "was acknowledged and is not at"),
        ("unedited", "was acknowledged and is not in the log"), ("editedTwice", "is in the log 2 times"),
        ("disowned", "was refused and is at"), ("undeleted", "was acknowledged and is not in the log"),
        ("unasked", "which nobody asked for"), ("stayed", "was acknowledged and is not at"),
        ("joinedTwice", "a member already"), ("withheld", "one more than were asked for"),
        ("undone", "is in the log and not in the table"),
    ])
    func aFaultThatIsPlantedIsFound(_ fault: String, _ problem: String) throws {
        // Not every seed has an occasion for each.
        let run = try play(["PARLEY_SIMULATION_PLANT": fault, "PARLEY_SIMULATION_SEEDS": "10"])

        #expect(run.status == 1)
        #expect(run.output.contains(problem), "\(run.output.suffix(5000))")
    }

    @Test func aSeedRepeatsExactly() throws {
        let seeds = ["PARLEY_SIMULATION_FIRST": "1", "PARLEY_SIMULATION_SEEDS": "20"]
        let together = try play(seeds.merging(["PARLEY_SIMULATION_JOBS": "2"]) { $1 })
        let again = try play(seeds.merging(["PARLEY_SIMULATION_JOBS": "1"]) { $1 })

        #expect(together.tally != nil)
        #expect(together.tally == again.tally)
    }
}
