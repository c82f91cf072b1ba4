// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import Glibc
import JSON
import MTP
import NIOCore
import NIOPosix
import Synchronization
import TestClient

/// The options of this benchmark, checked.
struct IdleConnectionsOptions: Sendable {
    let connections: Int
    let addresses: Int
    let seconds: Int
    let folder: String
    let server: String

    init(words: some Sequence<String>) throws(BenchmarkFailure) {
        let options = try BenchmarkOptions(
            words: words,
            defaults: [
                "connections": "10000", "addresses": "8", "seconds": "10", "folder": "/var/tmp", "server": "",
            ])
        connections = try options.number("connections", in: 1...1_000_000)
        addresses = try options.number("addresses", in: 1...250)
        seconds = try options.number("seconds", in: 1...3600)
        folder = options.text("folder")
        server = options.text("server")
    }
}

/// The memory of one idle, logged-in connection.
@main
enum IdleConnections {
    /// Connections and logins at the same time while the crowd comes.
    private static let lanes = 32

    /// What was seen with one kind of connection.
    private struct Figures {
        var before: ProcessUsage
        var idle: ProcessUsage
        var afterMessage: ProcessUsage?
        var connecting: Duration
    }

    static func main() async {
        do {
            try await measure(IdleConnectionsOptions(words: CommandLine.arguments.dropFirst()))
        } catch {
            BenchmarkFailure.end(with: error)
        }
    }

    private static func measure(_ options: IdleConnectionsOptions) async throws {
        try BenchmarkAccounts.allowOpenFiles(options.connections + 100)
        let folder = try BenchmarkFolder(in: options.folder)
        defer { folder.remove() }
        write(BenchmarkSurroundings.describe(processors: sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        var server = try await ServerProcess.start(
            program: options.server, database: .sqlite, folder: folder, host: "0.0.0.0")
        do {
            let accounts = try await BenchmarkAccounts.register(options.connections, at: server.url())
            let flow = try await BenchmarkAccounts.makePublicGroup(owner: accounts[0], at: server.url())
            write("\(accounts.count) accounts, a connection each, to \(options.addresses) loopback addresses\n")
            var table = BenchmarkTable([
                "", "before KiB", "idle KiB", "KiB/connection", "of it heap", "after a push KiB", "connecting s",
            ])
            for wantsPush in [false, true] {
                // A fresh process: what registration left behind does not count.
                server = try await server.restarted()
                let figures = try await figures(
                    of: server, accounts, wantsPush: wantsPush, flow: flow, options: options)
                let count = Double(options.connections)
                let grown = Double(figures.idle.residentKiB - figures.before.residentKiB)
                let heap = Double(figures.idle.anonymousKiB - figures.before.anonymousKiB)
                let seconds =
                    Double(figures.connecting.components.seconds)
                    + Double(figures.connecting.components.attoseconds) / 1e18
                table.add([
                    wantsPush ? "with push" : "without push", "\(figures.before.residentKiB)",
                    "\(figures.idle.residentKiB)", (grown / count).digits(2), (heap / count).digits(2),
                    figures.afterMessage.map { "\($0.residentKiB)" } ?? "-", seconds.digits(1),
                ])
            }
            write(table.text)
        } catch {
            kill(server.process.id, SIGKILL)
            throw error
        }
        await server.process.terminate()
    }

    private static func figures(
        of server: ServerProcess, _ accounts: [MTPCredentials], wantsPush: Bool, flow: String,
        options: IdleConnectionsOptions
    ) async throws -> Figures {
        // The first connections pay for what all share: pools, caches, code.
        let first = try await connect(
            accounts.prefix(min(256, accounts.count)), to: server, wantsPush: wantsPush, options)
        for connection in first { await connection.close() }
        try await ProcessUsage.waitUntilIdle(server.process.id)
        let before = try ProcessUsage(of: server.process.id)

        let start = ContinuousClock.now
        let connections = try await connect(accounts[...], to: server, wantsPush: wantsPush, options)
        let connecting = start.duration(to: .now)
        try await Task.sleep(for: .seconds(options.seconds))
        try await ProcessUsage.waitUntilIdle(server.process.id)
        var figures = Figures(
            before: before, idle: try ProcessUsage(of: server.process.id), connecting: connecting)
        guard connections.allSatisfy(\.isLive) else {
            throw BenchmarkFailure("A connection ended while it should have been idle.")
        }
        if wantsPush {
            // Everybody but the sender must hear of it: the connections are what they seem.
            _ = try await connections[0].answer(
                to: .sendMessage(as: accounts[0], flow: flow, MessageObject(text: "hello")))
            for connection in connections.dropFirst() { try await connection.pushed() }
            try await ProcessUsage.waitUntilIdle(server.process.id)
            figures.afterMessage = try ProcessUsage(of: server.process.id)
        }
        for connection in connections { await connection.close() }
        return figures
    }

    /// A logged-in connection for each account, in the order of the accounts.
    private static func connect(
        _ accounts: ArraySlice<MTPCredentials>, to server: ServerProcess, wantsPush: Bool,
        _ options: IdleConnectionsOptions
    ) async throws -> [IdleConnection] {
        try await withThrowingTaskGroup(of: [(Int, IdleConnection)].self) { group in
            for lane in 0..<min(lanes, accounts.count) {
                group.addTask {
                    var made: [(Int, IdleConnection)] = []
                    for index in stride(from: lane, to: accounts.count, by: lanes) {
                        let url = server.url(host: "127.0.0.\(1 + index % options.addresses)")
                        made.append((index, try await IdleConnection(url: url, account: accounts[index], wantsPush)))
                    }
                    return made
                }
            }
            var all: [(Int, IdleConnection)] = []
            for try await made in group { all += made }
            return all.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private static func write(_ text: String) {
        print(text, terminator: "")
        OutputBuffer.flush()
    }
}
