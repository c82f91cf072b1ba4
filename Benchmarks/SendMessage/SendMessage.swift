// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import Glibc
import MTP
import TestClient

/// Durable `send_message` and other requests beside bare echoes of the same frames, in turn.
@main
enum SendMessage {
    static func main() async {
        do {
            let words = CommandLine.arguments.dropFirst()
            switch words.first {
            case EchoServer.word: try await EchoServer.run(keepingIn: nil)
            case EchoServer.durableWord: try await EchoServer.run(keepingIn: words.last)
            default: try await measure(SendMessageOptions(words: words))
            }
        } catch {
            BenchmarkFailure.end(with: error)
        }
    }

    private static func measure(_ options: SendMessageOptions) async throws {
        let postgres = BenchmarkDatabase.postgresServer
        if postgres == nil, options.databases != "sqlite" {
            let reason = "PARLEY_TEST_POSTGRES names no server; 'Scripts/postgres start' prints one."
            if options.databases == "postgres" { throw BenchmarkFailure(reason) }
            write("Without PostgreSQL: \(reason)\n")
        }
        write(BenchmarkSurroundings.describe(processors: sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        var results: [CaseResult] = []
        for benchmark in options.cases {
            let folder = try BenchmarkFolder(in: options.folder)
            defer { folder.remove() }
            write("\n\(benchmark.description)\n")
            var databases: [BenchmarkDatabase] = []
            // With history beside the same server without.
            for _ in 0..<(benchmark.history > 0 ? 2 : 1) {
                if options.databases != "postgres" { databases.append(.sqlite) }
                if let postgres, options.databases != "sqlite" { databases.append(try await .onPostgres(postgres)) }
            }
            let outcome: Result<CaseResult, any Error>
            do {
                outcome = .success(try await result(of: benchmark, databases, folder, options))
            } catch {
                outcome = .failure(error)
            }
            for database in databases { try await database.remove() }
            let result = try outcome.get()
            write(result.table)
            results.append(result)
        }
        write("\nMedians of \(options.rounds) rounds:\n\(CaseResult.table(of: results))")
    }

    /// Starts the servers of a case, measures them in turn, and ends them.
    private static func result(
        of benchmark: BenchmarkCase, _ databases: [BenchmarkDatabase], _ folder: BenchmarkFolder,
        _ options: SendMessageOptions
    ) async throws -> CaseResult {
        var echoes: [Contender] = []
        var servers: [ParleyContender] = []
        do {
            if benchmark.request != .page {
                echoes.append(try await startEcho("Bare echo", [EchoServer.word], benchmark, folder, options))
            }
            if benchmark.request == .sendMessage {
                echoes.append(
                    try await startEcho(
                        "Durable echo", [EchoServer.durableWord, folder.path], benchmark, folder, options))
            }
            for (index, database) in databases.enumerated() {
                var benchmark = benchmark
                if index >= (databases.count + 1) / 2 { benchmark.history = 0 }
                let folder = try folder.subfolder("\(index)")
                servers.append(try await .start(on: database, in: folder, for: benchmark, options))
            }
            let contenders = echoes + servers.map(\.contender)
            var rounds: [[Round]] = contenders.map { _ in [] }
            for number in 1...options.rounds {
                for (index, contender) in contenders.enumerated() {
                    write("Round \(number) of \(options.rounds), \(contender.name) (process \(contender.process.id)): ")
                    let round = try await contender.round(
                        warmUp: .seconds(options.warmUp), measured: .seconds(options.seconds))
                    write("\(round.requestsPerSecond.digits(0)) requests/s\n")
                    rounds[index].append(round)
                }
            }
            for server in servers where benchmark.request == .sendMessage {
                let count = try await server.verified()
                write("\(server.contender.name): all \(count) acknowledged messages are in the log, once, in order.\n")
            }
            for server in servers where benchmark.request != .sendMessage { await server.server.process.terminate() }
            for echo in echoes { await echo.process.terminate() }
            return CaseResult(benchmark: benchmark, names: contenders.map(\.name), rounds: rounds)
        } catch {
            for server in servers { kill(server.server.process.id, SIGKILL) }
            for echo in echoes { kill(echo.process.id, SIGKILL) }
            throw error
        }
    }

    private static func startEcho(
        _ name: String, _ words: [String], _ benchmark: BenchmarkCase, _ folder: BenchmarkFolder,
        _ options: SendMessageOptions
    ) async throws -> Contender {
        let process = try ChildProcess(
            program: ServerProcess.ownPath, arguments: words, errorFile: folder.path + "/echo.log")
        let line = try await process.line(containing: "ws://")
        // Identifiers as long as those of a server.
        let principal = MTPCredentials(
            uuid: "113427455640312821154458202477256070485", authID: String(repeating: "0123456789abcdef", count: 2))
        let frames = (0..<benchmark.shape.connections).map { index in
            benchmark.request == .pingPong
                ? RequestFrames.pings(as: principal)
                : RequestFrames.messages(
                    index, as: principal, to: ["68056473384187692692674921486353642291"], text: options.text)
        }
        return try await Contender(
            name: name, process: process, port: ServerProcess.port(in: line) ?? 0, frames: frames.map { $0.echoed() },
            outstanding: benchmark.shape.outstanding)
    }

    private static func write(_ text: String) {
        print(text, terminator: "")
        OutputBuffer.flush()
    }
}
