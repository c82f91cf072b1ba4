// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import Glibc
import MTP
import TestClient

/// The options of this benchmark, checked.
struct SendMessageOptions: Sendable {
    let connections: Int
    let depth: Int
    let flows: Int
    let rounds: Int
    let seconds: Int
    let warmUp: Int
    let text: String
    let folder: String
    let server: String
    let databases: String

    init(words: some Sequence<String>) throws(BenchmarkFailure) {
        let options = try BenchmarkOptions(
            words: words,
            defaults: [
                "connections": "64", "depth": "8", "flows": "8", "rounds": "5", "seconds": "5", "warm-up": "2",
                "text-bytes": "100", "folder": "/var/tmp", "server": "", "databases": "all",
            ])
        connections = try options.number("connections", in: 1...FrameTemplate.maximumConnections)
        depth = try options.number("depth", in: 1...4096)
        flows = try options.number("flows", in: 1...1000)
        rounds = try options.number("rounds", in: 1...1000)
        seconds = try options.number("seconds", in: 1...3600)
        warmUp = try options.number("warm-up", in: 0...3600)
        text =
            String(repeating: "parley ", count: 1 << 13).prefix(try options.number("text-bytes", in: 1...50_000))
            .description
        folder = options.text("folder")
        server = options.text("server")
        databases = options.text("databases")
        guard ["all", "sqlite", "postgres"].contains(databases) else {
            throw BenchmarkFailure("--databases must be all, sqlite or postgres, not '\(databases)'.")
        }
    }
}

/// Durable `send_message` beside a bare echo of the same frames, in turn.
@main
enum SendMessage {
    static func main() async {
        do {
            if CommandLine.arguments.dropFirst().first == EchoServer.word {
                try await EchoServer.run()
            } else {
                try await measure(SendMessageOptions(words: CommandLine.arguments.dropFirst()))
            }
        } catch {
            BenchmarkFailure.end(with: error)
        }
    }

    private static func measure(_ options: SendMessageOptions) async throws {
        let folder = try BenchmarkFolder(in: options.folder)
        defer { folder.remove() }
        var databases: [BenchmarkDatabase] = []
        if options.databases != "postgres" { databases.append(.sqlite) }
        if options.databases != "sqlite" {
            if let server = BenchmarkDatabase.postgresServer {
                databases.append(try await .onPostgres(server))
            } else if options.databases == "postgres" {
                throw BenchmarkFailure("PARLEY_TEST_POSTGRES names no server; 'Scripts/postgres start' prints one.")
            } else {
                write("Without PostgreSQL: PARLEY_TEST_POSTGRES names no server.\n")
            }
        }
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await measure(options, databases, folder))
        } catch {
            outcome = .failure(error)
        }
        for database in databases { try await database.remove() }
        try outcome.get()
    }

    private static func measure(
        _ options: SendMessageOptions, _ databases: [BenchmarkDatabase], _ folder: BenchmarkFolder
    ) async throws {
        write(BenchmarkSurroundings.describe(processors: sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let echo = try await startEcho(options, folder)
        var servers: [ParleyContender] = []
        let outcome: Result<[[Round]], any Error>
        do {
            for database in databases {
                servers.append(try await .start(on: database, in: folder, options: options))
            }
            let rounds = try await rounds(of: [echo] + servers.map(\.contender), options)
            for server in servers {
                let count = try await server.verified()
                write("\(server.contender.name): all \(count) acknowledged messages are in the log, once, in order.\n")
            }
            outcome = .success(rounds)
        } catch {
            outcome = .failure(error)
            for server in servers { kill(server.server.process.id, SIGKILL) }
        }
        await echo.process.terminate()
        report(try outcome.get(), [echo] + servers.map(\.contender))
    }

    private static func startEcho(
        _ options: SendMessageOptions, _ folder: BenchmarkFolder
    ) async throws -> Contender {
        let process = try ChildProcess(
            program: ServerProcess.ownPath, arguments: [EchoServer.word], errorFile: folder.path + "/echo.log")
        let line = try await process.line(containing: "ws://")
        // Identifiers as long as those of a server.
        let principal = MTPCredentials(
            uuid: "113427455640312821154458202477256070485", authID: String(repeating: "0123456789abcdef", count: 2))
        let templates = try (0..<options.connections).map { index in
            try FrameTemplate(
                index: index, principal: principal, flow: "68056473384187692692674921486353642291", text: options.text)
        }
        write(
            "\(options.connections) connections, \(options.depth) requests in flight each, "
                + "frames of \(templates[0].byteCount) bytes\n")
        return try await Contender(
            name: "Bare echo", process: process, url: "ws://127.0.0.1:\(ServerProcess.port(in: line) ?? 0)/ws",
            templates: templates, depth: options.depth, proof: #""type":"send_message","#)
    }

    /// Every contender in turn, round after round.
    private static func rounds(of contenders: [Contender], _ options: SendMessageOptions) async throws -> [[Round]] {
        var results: [[Round]] = contenders.map { _ in [] }
        for number in 1...options.rounds {
            for (index, contender) in contenders.enumerated() {
                write("Round \(number) of \(options.rounds), \(contender.name) (process \(contender.process.id)): ")
                let round = try await contender.round(
                    warmUp: .seconds(options.warmUp), measured: .seconds(options.seconds))
                write("\(round.messagesPerSecond.digits(0)) messages/s\n")
                results[index].append(round)
            }
        }
        return results
    }

    private static func report(_ results: [[Round]], _ contenders: [Contender]) {
        var table = BenchmarkTable([
            "", "messages/s", "of the echo", "p50 ms", "p99 ms", "p99.9 ms", "server us/message", "client us/message",
            "machine busy",
        ])
        for (contender, rounds) in zip(contenders, results) {
            // Round by round, so that what slows the machine for a while slows both.
            let ratio = zip(rounds, results[0]).map { $0.messagesPerSecond / $1.messagesPerSecond }.median
            table.add([
                contender.name, rounds.map(\.messagesPerSecond).median.digits(0), ratio.digits(2),
                rounds.map(\.latencies.median).median.digits(1), rounds.map(\.latencies.p99).median.digits(1),
                rounds.map(\.latencies.p999).median.digits(1), rounds.map(\.serverProcessor).median.digits(1),
                rounds.map(\.clientProcessor).median.digits(1),
                (rounds.map(\.machineBusy).median * 100).digits(0) + " %",
            ])
        }
        write("\nMedians of \(results[0].count) rounds:\n\(table.text)")
    }

    private static func write(_ text: String) {
        print(text, terminator: "")
        OutputBuffer.flush()
    }
}
