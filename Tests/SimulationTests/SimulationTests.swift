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
    }

    @Test func aSeedRepeatsExactly() throws {
        let seeds = ["PARLEY_SIMULATION_FIRST": "1", "PARLEY_SIMULATION_SEEDS": "20"]
        let together = try play(seeds.merging(["PARLEY_SIMULATION_JOBS": "2"]) { $1 })
        let again = try play(seeds.merging(["PARLEY_SIMULATION_JOBS": "1"]) { $1 })

        #expect(together.tally != nil)
        #expect(together.tally == again.tally)
    }
}
