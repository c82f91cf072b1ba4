// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import Glibc
import JSON
import MTP
import NIOCore
import TestClient

/// The options of this benchmark, checked.
struct CatchUpOptions: Sendable {
    let messages: Int
    let readers: [Int]
    let pages: [Int]
    let rounds: Int
    let folder: String
    let server: String

    init(words: some Sequence<String>) throws(BenchmarkFailure) {
        let options = try BenchmarkOptions(
            words: words,
            defaults: [
                "messages": "10000", "readers": "1,16", "pages": "100,1000", "rounds": "3", "folder": "/var/tmp",
                "server": "",
            ])
        messages = try options.number("messages", in: 1...10_000_000)
        readers = try options.numbers("readers", in: 1...10_000)
        pages = try options.numbers("pages", in: 1...10_000)
        rounds = try options.number("rounds", in: 1...1000)
        folder = options.text("folder")
        server = options.text("server")
    }
}

/// Reading what was missed after a cursor, page after page.
@main
enum CatchUp {
    private struct Figures {
        var elapsed: Duration
        var pageLatencies: Latencies
        var serverMicroseconds: Double
        var clientMicroseconds: Double
    }

    static func main() async {
        do {
            try await measure(CatchUpOptions(words: CommandLine.arguments.dropFirst()))
        } catch {
            BenchmarkFailure.end(with: error)
        }
    }

    private static func measure(_ options: CatchUpOptions) async throws {
        try BenchmarkAccounts.allowOpenFiles((options.readers.max() ?? 1) + 100)
        write(BenchmarkSurroundings.describe(processors: sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        write("\(options.messages) messages of 100 characters, missed by every reader\n")
        var table = BenchmarkTable([
            "messages per page", "readers", "all read after s", "messages/s", "page p50 ms", "page p99 ms",
            "server us/message", "client us/message",
        ])
        for page in options.pages {
            let folder = try BenchmarkFolder(in: options.folder)
            defer { folder.remove() }
            let server = try await ServerProcess.start(
                program: options.server, database: .sqlite, folder: folder, messages: page)
            do {
                let people = try await BenchmarkAccounts.register(1 + (options.readers.max() ?? 1), at: server.url())
                let flow = try await BenchmarkAccounts.makeGroup(
                    owner: people[0], members: people.dropFirst(), at: server.url())
                let cursor = try await fill(flow, of: people[0], on: server, options.messages)
                for readers in options.readers {
                    var rounds: [Figures] = []
                    for _ in 0..<options.rounds {
                        rounds.append(
                            try await figures(
                                of: server, readers: people.dropFirst().prefix(readers), since: cursor,
                                messages: options.messages))
                    }
                    table.add(row(page, readers, options.messages, rounds))
                }
            } catch {
                kill(server.process.id, SIGKILL)
                throw error
            }
            await server.process.terminate()
        }
        write("Medians of \(options.rounds) rounds:\n\(table.text)")
    }

    private static func row(_ page: Int, _ readers: Int, _ messages: Int, _ rounds: [Figures]) -> [String] {
        let elapsed = rounds.map { $0.elapsed / .seconds(1) }.median
        let count = Double(readers * messages)
        return [
            "\(page)", "\(readers)", elapsed.digits(2), (count / elapsed).digits(0),
            rounds.map(\.pageLatencies.median).median.digits(1), rounds.map(\.pageLatencies.p99).median.digits(1),
            (rounds.map(\.serverMicroseconds).median / count).digits(2),
            (rounds.map(\.clientMicroseconds).median / count).digits(2),
        ]
    }

    /// Sends the messages that the readers missed.
    ///
    /// - Returns: The cursor before the first of them.
    private static func fill(
        _ flow: String, of author: MTPCredentials, on server: ServerProcess, _ count: Int
    ) async throws -> String {
        let client = try await MTPClient.connect(url: server.url())
        let answer = try await client.request(.startOfPush(as: author))
        guard answer.isSuccess, let cursor = answer.meta?.since else { throw MTPClientRefusal(answer) }
        let text = JSONText(String(repeating: "parley ", count: 14) + "..")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<16 {
                group.addTask {
                    for number in stride(from: lane, to: count, by: 16) {
                        let message = MessageObject(clientID: Int64(number), text: text)
                        let answer = try await client.request(.sendMessage(as: author, flow: flow, message))
                        guard answer.isSuccess else { throw MTPClientRefusal(answer) }
                    }
                }
            }
            try await group.waitForAll()
        }
        await client.close()
        return cursor
    }

    private static func figures(
        of server: ServerProcess, readers: ArraySlice<MTPCredentials>, since cursor: String, messages: Int
    ) async throws -> Figures {
        var clients: [(MTPCredentials, MTPClient)] = []
        for reader in readers {
            let client = try await MTPClient.connect(url: server.url())
            let answer = try await client.request(.pingPong(as: reader))
            guard answer.isSuccess else { throw MTPClientRefusal(answer) }
            clients.append((reader, client))
        }
        try await ProcessUsage.waitUntilIdle(server.process.id)
        let recorder = LatencyRecorder()
        let before = (try ProcessUsage(of: server.process.id), try ProcessUsage(of: getpid()))
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (reader, client) in clients {
                group.addTask {
                    let found = try await read(client, as: reader, since: cursor, recorder)
                    guard found.count == messages, Set(found).count == messages else {
                        throw BenchmarkFailure("A reader found \(found.count) of \(messages) messages.")
                    }
                }
            }
            try await group.waitForAll()
        }
        let elapsed = start.duration(to: .now)
        let after = (try ProcessUsage(of: server.process.id), try ProcessUsage(of: getpid()))
        for (_, client) in clients { await client.close() }
        return Figures(
            elapsed: elapsed, pageLatencies: LatencyRecorder.latencies(of: [recorder]),
            serverMicroseconds: after.0.processorMicroseconds - before.0.processorMicroseconds,
            clientMicroseconds: after.1.processorMicroseconds - before.1.processorMicroseconds)
    }

    /// Reads after a cursor until nothing comes.
    ///
    /// - Returns: The messages' own numbers, as they came.
    private static func read(
        _ client: MTPClient, as reader: MTPCredentials, since start: String, _ recorder: LatencyRecorder
    ) async throws -> [Int64] {
        var found: [Int64] = []
        var cursor = start
        while true {
            let begin = NIODeadline.now()
            let answer = try await client.request(.getUpdate(as: reader, since: cursor))
            recorder.record(.now() - begin)
            guard answer.isSuccess, let next = answer.meta?.since else { throw MTPClientRefusal(answer) }
            let messages = answer.data?.message ?? []
            if messages.isEmpty, next == cursor { return found }
            found += messages.compactMap(\.clientID)
            cursor = next
        }
    }

    private static func write(_ text: String) {
        print(text, terminator: "")
        OutputBuffer.flush()
    }
}
