// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import MTP
import TestClient

/// A Parley server with the accounts and groups of the benchmark, and the proof that it kept what it acknowledged.
struct ParleyContender: Sendable {
    let contender: Contender
    let server: ServerProcess
    private let database: BenchmarkDatabase
    private let accounts: [MTPCredentials]
    private let flows: [String]

    /// Starts a server, fills it with accounts and groups, and connects.
    static func start(
        on database: BenchmarkDatabase, in folder: BenchmarkFolder, options: SendMessageOptions
    ) async throws -> ParleyContender {
        let server = try await ServerProcess.start(program: options.server, database: database, folder: folder)
        do {
            let accounts = try await BenchmarkAccounts.register(options.connections, at: server.url())
            let flows = try await BenchmarkAccounts.makePublicGroups(
                options.flows, owner: accounts[0], at: server.url())
            let templates = try accounts.enumerated().map { index, account in
                try FrameTemplate(
                    index: index, principal: account, flow: flows[index % flows.count], text: options.text)
            }
            let contender = try await Contender(
                name: "Parley, \(database.name)", process: server.process, url: server.url(), templates: templates,
                depth: options.depth, proof: #""errors":{"code":200,"#)
            return ParleyContender(
                contender: contender, server: server, database: database, accounts: accounts, flows: flows)
        } catch {
            await server.process.terminate()
            throw error
        }
    }

    /// Starts the server again and looks for every acknowledged message in the log: once, and in order.
    ///
    /// - Returns: How many there are.
    func verified() async throws -> Int64 {
        await contender.disconnect()
        let server = try await server.restarted()
        do {
            let found = try await messages(on: server)
            await server.process.terminate()
            return found
        } catch {
            await server.process.terminate()
            throw error
        }
    }

    private func messages(on server: ServerProcess) async throws -> Int64 {
        let client = try await MTPClient.connect(url: server.url())
        var next = Array(repeating: Int64(0), count: contender.senders.count)
        for flow in flows {
            var start: Int64 = 0
            while true {
                let answer = try await client.request(
                    .allMessages(
                        as: accounts[0], flow: flow, start: start, end: start + Int64(ServerProcess.messagesPerAnswer)))
                guard answer.isSuccess, let messages = answer.data?.message else { throw MTPRefusal(answer) }
                if messages.isEmpty { break }
                for message in messages {
                    let origin = message.clientID.map(FrameTemplate.origin)
                    guard let origin, next.indices.contains(origin.connection),
                        origin.message == next[origin.connection]
                    else {
                        throw BenchmarkFailure(
                            "The log of \(database.name) does not have the messages once and in order.")
                    }
                    next[origin.connection] += 1
                }
                start += Int64(messages.count)
            }
        }
        await client.close()
        for (sender, found) in zip(contender.senders, next) where sender.answered != found {
            throw BenchmarkFailure(
                "Of \(sender.answered) messages that were acknowledged to one connection, \(found) are in the log of "
                    + "\(database.name).")
        }
        return next.reduce(0, +)
    }
}
