// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import FastChat
import Glibc
import JSON
import MTP
import TestClient
import Testing

/// Three servers on one PostgreSQL.
@Suite(.serialized, .timeLimit(.minutes(10)), .enabled(if: Engine.available.contains(.postgres)))
struct ClusterTests {
    private static let names = ["alpha", "beta", "gamma"]

    /// A reader who is told of messages as they come, up to date with the log.
    private func listen(_ person: Person) async throws -> String {
        let answer = try await person.client.request(.getUpdate(as: person.credentials, time: 0, push: true))
        try #require(answer.isSuccess)
        return try #require(answer.meta?.since)
    }

    private func texts(in push: MTPResponse) -> [String] {
        (push.data?.message ?? []).compactMap { $0.text.map { "\($0)" } }
    }

    // MARK: Messages

    @Test func messagesCrossServersLive() async throws {
        try await ServerCluster.with(Self.names) { cluster in
            let alice = try await Person("alice", on: cluster.nodes[0].server)
            let flow = try await alice.makeFlow()
            var readers: [Person] = []
            for node in cluster.nodes {
                let reader = try await Person("reader-\(node.name)", on: node.server)
                _ = try await listen(reader)
                readers.append(reader)
            }

            for number in 1...3 {
                #expect(try await alice.say("message \(number)", in: flow) == 200)
                for reader in readers {
                    let push = await reader.client.pushes.first(within: .seconds(5)) {
                        ($0.data?.message ?? []).contains { $0.text?.description == "message \(number)" }
                    }
                    #expect(push != nil)
                }
            }

            // Each session is said to be where it is, by a server that it is not on.
            for node in cluster.nodes {
                let isFound = try await cluster.eventually {
                    let report = try await cluster.manage(
                        on: node.name == "alpha" ? "beta" : "alpha", "user", "sessions", "reader-\(node.name)")
                    return report["sessions"]?.array?[0]["node"]?.string == node.name
                }
                #expect(isFound)
            }
        }
    }

    @Test func messageIntoAQuietFlowArrivesAlthoughTheBusIsCut() async throws {
        try await ServerCluster.with(["alpha", "beta"]) { cluster in
            let alice = try await Person("alice", on: cluster.nodes[0].server)
            let bob = try await Person("bob", on: cluster.nodes[1].server)
            let flow = try await alice.makeFlow()
            #expect(try await alice.say("before", in: flow) == 200)
            _ = try await listen(bob)

            for number in 1...3 {
                // Every connection that waits for hints; and whoever comes back has to do so anew.
                let cut = try await cluster.program.run([
                    "/usr/bin/psql", "--no-psqlrc", "--tuples-only", "--no-align", "--dbname",
                    try #require(cluster.program["PARLEY_DATABASE_URI"]), "--command",
                    """
                    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE datname = current_database() AND query LIKE 'LISTEN %'
                    """,
                ])
                #expect(cut.ending == .exited(0), "\(cut.errors)")
                #expect(Int(cut.output.split(separator: "\n").first ?? "") == 2)
                #expect(try await alice.say("message \(number)", in: flow) == 200)

                let push = await bob.client.pushes.first(within: .seconds(10)) {
                    ($0.data?.message ?? []).contains { $0.text?.description == "message \(number)" }
                }

                let arrived = try #require(push)
                #expect(arrived.after < .seconds(2))
                let isListening = try await cluster.eventually { try await listeners(cluster) == 2 }
                #expect(isListening)
            }
        }
    }

    private func listeners(_ cluster: ServerCluster) async throws -> Int? {
        let found = try await cluster.program.run([
            "/usr/bin/psql", "--no-psqlrc", "--tuples-only", "--no-align", "--dbname",
            try #require(cluster.program["PARLEY_DATABASE_URI"]), "--command",
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'",
        ])
        return Int(found.output.split(separator: "\n").first ?? "")
    }

    @Test func clientsOfAKilledServerComeBackElsewhereAndMissNothing() async throws {
        try await ServerCluster.with(Self.names) { cluster in
            let alice = try await Person("alice", on: cluster.nodes[0].server)
            let bob = try await Person("bob", on: cluster.nodes[1].server)
            let flow = try await alice.makeFlow()
            let cursor = try await listen(bob)
            let carol = try await cluster.nodes[1].server.messenger()
            try await carol.signUp(login: "carol", password: "a password")
            try await carol.logIn("carol", password: "a password")
            let dave = try await cluster.nodes[0].server.messenger()
            try await dave.signUp(login: "dave", password: "a password")
            try await dave.logIn("dave", password: "a password")
            let texts = (1...20).map { "message \($0)" }

            for text in texts[..<10] {
                #expect(try await alice.say(text, in: flow) == 200)
                try await dave.send(text, to: "carol")
            }
            cluster.nodes[1].server.process.send(SIGKILL)
            for text in texts[10...] {
                #expect(try await alice.say(text, in: flow) == 200)
                try await dave.send(text, to: "carol")
            }
            _ = await cluster.nodes[1].server.process.ended()

            // MTP's client has a cursor of its own.
            let back = try await Person(bob.credentials, on: cluster.nodes[2].server)
            let answer = try await back.client.request(.getUpdate(as: bob.credentials, since: cursor))
            let read = (answer.data?.message ?? []).compactMap { $0.text?.description }
            #expect(read == texts)

            // That of messenger is the server's: the last seconds may come twice.
            let again = try await cluster.nodes[2].server.messenger()
            try await again.logIn("carol", password: "a password")
            var shown: [String] = []
            for await push in again.pushes {
                // The public group is hers, too.
                guard case .message("dave", let text) = push, !text.hasPrefix("[") else { continue }
                shown.append(text)
                if text == texts.last { break }
            }
            #expect(shown == texts.suffix(shown.count))
            #expect(shown.count >= 10)

            // Once its last heartbeat is too old, the killed one is silent, and named no more.
            let isSilent = try await cluster.eventually {
                try await cluster.list(on: "alpha").map { "\($0["name"]?.string ?? "") \($0["status"]?.string ?? "")" }
                    == ["alpha serving", "beta silent", "gamma serving"]
            }
            #expect(isSilent)
            #expect(try await cluster.assigned() == ["alpha", "gamma"])
            let report = try await cluster.manage(on: "alpha", "user", "sessions", "carol")
            let places = try #require(report["sessions"]?.array).compactMap { $0["state"]?.string }
            #expect(places.contains("unknown"))
        }
    }

    // MARK: The balancer

    @Test func burstOfClientsIsSpreadEvenly() async throws {
        try await ServerCluster.with(Self.names) { cluster in
            let count = 300
            var clients: [FastChatClient] = []
            var named: [String: Int] = [:]
            try await withThrowingTaskGroup(of: (FastChatClient, String?).self) { group in
                var started = 0
                func start() {
                    started += 1
                    group.addTask {
                        let assignment = try await cluster.assignment()
                        let client = try await FastChatClient.connect(host: assignment.host, port: assignment.port)
                        return (client, try await cluster.name(of: assignment))
                    }
                }
                for _ in 0..<20 { start() }
                while let (client, name) = try await group.next() {
                    clients.append(client)
                    named[name ?? "unknown", default: 0] += 1
                    if started < count { start() }
                }
            }

            #expect(Set(named.keys) == Set(Self.names))
            for (name, share) in named { #expect((90...110).contains(share), "\(name): \(named)") }

            // And the heartbeats count them.
            let isCounted = try await cluster.eventually {
                let nodes = try await cluster.list(on: "alpha")
                let counts = nodes.compactMap { $0["clients"]?.int }
                return counts.count == 3 && counts.allSatisfy { (90...110).contains($0) }
            }
            #expect(isCounted)
            for client in clients { await client.close() }
        }
    }

    @Test func drainedServerGetsNoClientsUntilItIsResumed() async throws {
        try await ServerCluster.with(Self.names) { cluster in
            let beta = cluster.nodes[1].server
            #expect(try await cluster.assigned() == Set(Self.names))
            #expect(try await HTTPClient.get(beta.httpURL + "readyz").status == 200)

            let drained = try await cluster.manage(on: "gamma", "node", "drain", "beta")

            #expect(drained["node"]?["status"]?.string == "draining")
            let isPassedBy = try await cluster.eventually { try await cluster.assigned() == ["alpha", "gamma"] }
            #expect(isPassedBy)
            let isNotReady = try await cluster.eventually {
                try await HTTPClient.get(beta.httpURL + "readyz").status == 503
            }
            #expect(isNotReady)
            for _ in 0..<6 {
                let choice = try JSONValue.parse(Array(try await HTTPClient.get(beta.httpURL + "balance").text.utf8))
                let name = try #require(choice["node"]?.string)
                #expect(["alpha", "gamma"].contains(name))
                let url = cluster.nodes.first { $0.name == name }?.server.url
                #expect(choice["protocols"]?["mtp"]?.string == url)
            }
            // Whoever is there stays, and may come by himself.
            let eve = try await Person("eve", on: beta)
            #expect(try await eve.ping() == 200)

            _ = try await cluster.manage(on: "beta", "node", "resume", "beta")
            let isBack = try await cluster.eventually { try await cluster.assigned() == Set(Self.names) }
            #expect(isBack)
            let isReady = try await cluster.eventually {
                try await HTTPClient.get(beta.httpURL + "readyz").status == 200
            }
            #expect(isReady)

            // A proper end takes it off the list.
            beta.process.send(SIGTERM)
            #expect(await beta.process.ended() == .exited(0))
            let nodes = try await cluster.list(on: "alpha")
            #expect(nodes.compactMap { $0["name"]?.string } == ["alpha", "gamma"])
        }
    }

    @Test func balancerAloneNamesTheServersWithTheirKey() async throws {
        try await ServerCluster.with(["alpha", "beta"]) { cluster in
            ServerCluster.use("balancer", in: cluster.program)
            cluster.program["PARLEY_BALANCER_LISTEN"] = nil
            let balancer = try await cluster.program.start([
                Program.path, "balancer", "--listen", "127.0.0.1:0", "--algorithm", "round-robin",
            ])
            let address = try #require(await RunningServer.announced("Balancer", balancer, from: 0))
            let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })

            var names: [String?] = []
            for _ in 0..<4 {
                let alone = try await FastChatClient.assignment(host: "127.0.0.1", port: port)
                names.append(try await cluster.name(of: alone))
                // The same signature as a server's own balancer gives.
                var other = try await cluster.assignment()
                while other.port != alone.port { other = try await cluster.assignment() }
                #expect(other == alone)
            }
            #expect(names == ["alpha", "beta", "alpha", "beta"] || names == ["beta", "alpha", "beta", "alpha"])

            // A server takes its own clients, and only those.
            let assignment = try await FastChatClient.assignment(host: "127.0.0.1", port: port)
            let key = try RSAPrivateKey()
            for node in cluster.nodes {
                let own = try await node.server.port(of: "FastChat")
                let client = try await FastChatClient.connect(host: "127.0.0.1", port: own)
                func register() async throws {
                    try await client.register(
                        FastChatUserNumber(7), password: "a password", key: key, sign: assignment.sign)
                }
                if own == assignment.port {
                    try await register()
                } else {
                    await #expect(throws: (any Error).self) { try await register() }
                }
                await client.close()
            }

            balancer.send(SIGTERM)
            #expect(await balancer.ended() == .exited(0), "\(balancer.errors.text)")
        }
    }
}
