// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import Glibc
import MTP
import TestClient

/// Messages into a group whose members are all online, beside a bare server that hands the same frames on.
@main
enum FanOut {
    /// One line of the table.
    private struct Case: Hashable {
        var measure: FanOutMeasure
        var outstanding: Int
        var contender: Int
    }

    static func main() async {
        do {
            if CommandLine.arguments.dropFirst().first == BareServer.word {
                try BenchmarkAccounts.allowOpenFiles(1000)
                try await BareServer.run()
            } else {
                try await measure(FanOutOptions(words: CommandLine.arguments.dropFirst()))
            }
        } catch {
            BenchmarkFailure.end(with: error)
        }
    }

    private static func measure(_ options: FanOutOptions) async throws {
        try BenchmarkAccounts.allowOpenFiles(options.mostMembers + options.senders + 100)
        let folder = try BenchmarkFolder(in: options.folder)
        defer { folder.remove() }
        write(BenchmarkSurroundings.describe(processors: sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let bare = try ChildProcess(
            program: ServerProcess.ownPath, arguments: [BareServer.word], errorFile: folder.path + "/bare.log")
        let outcome: Result<[Case: [FanOutFigures]], any Error>
        do {
            let barePort = ServerProcess.port(in: try await bare.line(containing: "ws://")) ?? 0
            let server = try await ServerProcess.start(
                program: options.server, database: .sqlite, folder: folder, host: "0.0.0.0")
            do {
                let results = try await results(options, bare: (bare, barePort), server)
                await server.process.terminate()
                outcome = .success(results)
            } catch {
                kill(server.process.id, SIGKILL)
                throw error
            }
        } catch {
            outcome = .failure(error)
        }
        await bare.terminate()
        report(try outcome.get(), options)
    }

    private static func results(
        _ options: FanOutOptions, bare: (process: ChildProcess, port: Int), _ server: ServerProcess
    ) async throws -> [Case: [FanOutFigures]] {
        let accounts = try await BenchmarkAccounts.register(
            options.senders + options.mostMembers, at: server.url())
        let senders = accounts.prefix(options.senders)
        var results: [Case: [FanOutFigures]] = [:]
        for measure in options.measures {
            let (content, members) = (measure.content, measure.members)
            let pushes = try senders.indices.map { try MarkedFrame.push(sender: $0, content) }
            write("\(content) of \(options.senders); a push of one has \(pushes[0].byteCount) bytes\n")
            let receivers = accounts.dropFirst(options.senders).prefix(members)
            let flow = try await BenchmarkAccounts.makeGroup(
                owner: accounts[0], members: senders.dropFirst() + receivers, at: server.url())
            var requests: [MarkedFrame] = []
            for (index, account) in senders.enumerated() {
                requests.append(
                    content == .edits
                        ? try MarkedFrame.edits(
                            sender: index, as: account,
                            of: try await BenchmarkAccounts.sendMessages(
                                ReceiverTally.places, to: flow, as: account, at: server.url()), content)
                        : try MarkedFrame.request(sender: index, as: account, flow: flow, content))
            }
            let contenders = [
                FanOutContender(
                    name: "Bare fan-out", process: bare.process, port: bare.port,
                    receiverPath: BareServer.receiverPath, senderPath: BareServer.senderPath, greetings: nil,
                    senderGreetings: nil, templates: pushes),
                FanOutContender(
                    name: "Parley", process: server.process, port: server.port, receiverPath: "/ws",
                    senderPath: "/ws", greetings: receivers.map { MTPRequest.startOfPush(as: $0).encoded() },
                    // Large frames are taken from those who have shown a token.
                    senderGreetings: senders.map { MTPRequest.pingPong(as: $0).encoded() }, templates: requests),
            ]
            for round in 1...options.rounds {
                for (index, contender) in contenders.enumerated() {
                    write(
                        "Round \(round) of \(options.rounds), \(content), \(members) members, \(contender.name) "
                            + "(process \(contender.process.id)):")
                    let crowd = try await FanOutCrowd(contender, members: members, addresses: options.addresses)
                    for outstanding in measure.outstanding {
                        let figures = try await crowd.round(
                            depth: outstanding, warmUp: .seconds(options.warmUp), measured: .seconds(options.seconds))
                        write(" \(figures.deliveriesPerSecond.digits(0))/s with \(outstanding)")
                        results[Case(measure: measure, outstanding: outstanding, contender: index), default: []]
                            .append(figures)
                    }
                    await crowd.disconnect()
                    write("\n")
                }
            }
        }
        return results
    }

    private static func report(_ results: [Case: [FanOutFigures]], _ options: FanOutOptions) {
        var table = BenchmarkTable([
            "", "what", "members", "outstanding", "deliveries/s", "of bare", "p50 ms", "p99 ms", "server us/delivery",
            "client us/delivery", "machine busy", "server MiB",
        ])
        for measure in options.measures {
            for outstanding in measure.outstanding {
                let bare = results[Case(measure: measure, outstanding: outstanding, contender: 0)] ?? []
                for contender in 0...1 {
                    let rounds = results[Case(measure: measure, outstanding: outstanding, contender: contender)] ?? []
                    // Round by round, so that what slows the machine for a while slows both.
                    let ratio = zip(rounds, bare).map { $0.deliveriesPerSecond / $1.deliveriesPerSecond }.median
                    table.add([
                        contender == 0 ? "Bare fan-out" : "Parley", measure.content.rawValue, "\(measure.members)",
                        "\(outstanding)",
                        rounds.map(\.deliveriesPerSecond).median.digits(0), ratio.digits(2),
                        rounds.map(\.latencies.median).median.digits(1), rounds.map(\.latencies.p99).median.digits(1),
                        rounds.map(\.serverProcessor).median.digits(2), rounds.map(\.clientProcessor).median.digits(2),
                        (rounds.map(\.machineBusy).median * 100).digits(0) + " %",
                        (rounds.map { Double($0.serverResidentKiB) }.median / 1024).digits(0),
                    ])
                }
            }
        }
        write("\nMedians of \(options.rounds) rounds, latency from send to last delivery:\n\(table.text)")
    }

    private static func write(_ text: String) {
        print(text, terminator: "")
        OutputBuffer.flush()
    }
}
