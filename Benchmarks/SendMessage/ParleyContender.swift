// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import MTP
import TestClient

/// A Parley server with the accounts and rooms of a case, and the proof that it kept what it acknowledged.
struct ParleyContender: Sendable {
    /// How many messages a page has.
    static let pageMessages = 100
    /// How many pages there are to read for each connection.
    private static let pages = 10

    let contender: Contender
    let server: ServerProcess
    private let database: BenchmarkDatabase
    private let accounts: [MTPCredentials]
    /// Where each connection writes, in turn.
    private let flows: [[String]]

    /// Starts a server, fills it with accounts, rooms and history, and connects.
    ///
    /// - Parameters:
    ///   - database: Where the server keeps its data.
    ///   - folder: Where the files of this server are.
    ///   - benchmark: What will be measured.
    ///   - options: The program and the text of the messages.
    /// - Returns: The server, connected to.
    /// - Throws: What kept the server or a connection from being made.
    static func start(
        on database: BenchmarkDatabase, in folder: BenchmarkFolder, for benchmark: BenchmarkCase,
        _ options: SendMessageOptions
    ) async throws -> ParleyContender {
        var server = try await ServerProcess.start(program: options.server, database: database, folder: folder)
        do {
            let connections = benchmark.shape.connections
            let accounts = try await BenchmarkAccounts.register(connections, at: server.url())
            let flows: [[String]]
            if benchmark.history > 0 {
                let seeded = try await seed(server, messages: benchmark.history, flows: benchmark.rooms)
                flows = (0..<connections).map { index in
                    stride(from: index, to: max(seeded.count, index + 1), by: connections).map {
                        seeded[$0 % seeded.count]
                    }
                }
                // A server that has just read and written all this is not the one that is measured.
                server = try await server.restarted()
            } else if benchmark.request == .page {
                flows = try await seed(server, messages: connections * pages * pageMessages + 1, flows: connections)
                    .map { [$0] }
            } else {
                flows = try await BenchmarkAccounts.makeRooms(of: accounts, at: server.url()).map { [$0] }
            }
            let frames = accounts.enumerated().map { index, account in
                switch benchmark.request {
                case .sendMessage:
                    RequestFrames.messages(index, as: account, to: flows[index], text: options.text)
                case .pingPong: RequestFrames.pings(as: account)
                case .page:
                    RequestFrames.pages(as: account, of: flows[index][0], count: pages, messages: pageMessages)
                }
            }
            if benchmark.request == .page { try await checkPages(frames[0], of: accounts[0], on: server) }
            let contender = try await Contender(
                name: "Parley, \(database.name)" + (benchmark.history > 0 ? CaseResult.historySuffix : ""),
                process: server.process, port: server.port, frames: frames, outstanding: benchmark.shape.outstanding,
                greetings: benchmark.push ? accounts.map { MTPRequest.startOfPush(as: $0).encoded() } : nil)
            return ParleyContender(
                contender: contender, server: server, database: database, accounts: accounts, flows: flows)
        } catch {
            await server.process.terminate()
            throw error
        }
    }

    /// Fills the server with public groups and messages.
    ///
    /// - Returns: The groups' uuids.
    private static func seed(_ server: ServerProcess, messages: Int, flows: Int) async throws -> [String] {
        _ = try await server.manage([
            "flow", "seed", "--users", "100", "--flows", "\(flows)", "--messages", "\(messages)",
        ])
        let list = try await server.manage(["flow", "list", "--json", "--limit", "\(flows)"])
        let uuids = list.split(separator: "\n").compactMap { line in
            line.split(separator: #""uuid":""#, maxSplits: 1).dropFirst().first.map { String($0.prefix { $0 != "\"" }) }
        }
        guard uuids.count == flows else {
            throw BenchmarkFailure("The server has \(uuids.count) groups after \(flows) were made.")
        }
        return uuids
    }

    private static func checkPages(
        _ frames: RequestFrames, of account: MTPCredentials, on server: ServerProcess
    ) async throws {
        let client = try await MTPClient.connect(url: server.url())
        for page in 0..<frames.variants {
            let answer = try await client.request(frame: frames.frame(page))
            guard answer.data?.message?.count == pageMessages else {
                throw BenchmarkFailure("A page has \(answer.data?.message?.count ?? 0) messages, not \(pageMessages).")
            }
        }
        await client.close()
    }

    /// Starts the server again and looks for every acknowledged message in the log: once, and in order.
    ///
    /// - Returns: How many there are.
    func verified() async throws -> Int {
        let acknowledged = try await contender.disconnect()
        let server = try await server.restarted()
        do {
            let found = try await messages(on: server)
            guard found == acknowledged.filter({ $0.value > 0 }) else {
                throw BenchmarkFailure(
                    "Of \(acknowledged.values.reduce(0, +)) acknowledged messages \(found.values.reduce(0, +)) are in "
                        + "the log of \(database.name), or others than these.")
            }
            await server.process.terminate()
            return found.values.reduce(0, +)
        } catch {
            await server.process.terminate()
            throw error
        }
    }

    /// How many messages of each connection are in the log, by the number of its first one.
    private func messages(on server: ServerProcess) async throws -> [Int64: Int] {
        let client = try await MTPClient.connect(url: server.url())
        var found: [Int64: Int] = [:]
        for (index, flows) in flows.enumerated() {
            for (place, flow) in flows.enumerated() {
                // The connection wrote to its rooms in turn.
                var next = Int64(place)
                var start: Int64 = 0
                while true {
                    let end = start + Int64(ServerProcess.messagesPerAnswer)
                    let answer = try await client.request(
                        .allMessages(as: accounts[index], flow: flow, start: start, end: end))
                    guard answer.isSuccess, let messages = answer.data?.message else { throw MTPClientRefusal(answer) }
                    if messages.isEmpty { break }
                    for message in messages {
                        // What was there before has no number.
                        guard let id = message.clientID else { continue }
                        guard RequestFrames.origin(of: id) == (index, next) else {
                            throw BenchmarkFailure(
                                "The log of \(database.name) does not have the messages once and in order.")
                        }
                        next += Int64(flows.count)
                        found[id - (id % RequestFrames.factor), default: 0] += 1
                    }
                    start = end
                }
            }
        }
        await client.close()
        return found
    }
}
