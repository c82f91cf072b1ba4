// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import FastChat
import Glibc
import JSON
import Skaro
import TestClient
import Testing

/// People on several servers of one PostgreSQL, on protocols whose cursors are the server's.
@Suite(.serialized, .timeLimit(.minutes(10)), .enabled(if: Engine.available.contains(.postgres)))
struct ClusterDeliveryTests {
    private static let password = "a password"

    /// A connection of FastChat to a server, and the balancer's signature for it.
    private func fastChat(
        on name: String, in cluster: ServerCluster
    ) async throws -> (client: FastChatClient, sign: String) {
        var assignment = try await cluster.assignment()
        while try await cluster.name(of: assignment) != name { assignment = try await cluster.assignment() }
        let client = try await FastChatClient.connect(host: assignment.host, port: assignment.port)
        return (client, assignment.sign)
    }

    private func texts(for client: FastChatClient, until last: String) async -> [String] {
        var texts: [String] = []
        for await event in client.events {
            guard case .message(let message) = event else { continue }
            texts.append(message.text ?? "(closed)")
            if texts.last == last { break }
        }
        return texts
    }

    private func texts(for client: SkaroClient, until last: String) async -> [String] {
        var texts: [String] = []
        for await news in client.pushes {
            guard case .message(let message) = news else { continue }
            texts.append(message.body)
            if texts.last == last { break }
        }
        return texts
    }

    private func texts(for client: MessengerClient, until last: String) async -> [String] {
        var texts: [String] = []
        for await push in client.pushes {
            guard case .message(_, let text) = push else { continue }
            texts.append(text)
            if text == last { break }
        }
        return texts
    }

    private func skaro(_ login: String, on server: RunningServer) async throws -> (client: SkaroClient, sid: String) {
        let client = try await server.skaro()
        try await client.register(login: login, password: Self.password)
        return (client, try await client.authorize(login: login, password: Self.password))
    }

    /// The walk of docs/architecture.md, over two servers.
    @Test func skaroHereWritesToFastChatThere() async throws {
        try await ServerCluster.with(["alpha", "beta"]) { cluster in
            let key = try RSAPrivateKey(newBits: 1024)
            let first = try await fastChat(on: "beta", in: cluster)
            try await first.client.register(
                FastChatUserNumber(7), password: Self.password, key: key, sign: first.sign)
            await first.client.close()
            let alice = try await skaro("alice", on: cluster.nodes[0].server).client
            let away = (1...5).map { "while 7 was away \($0)" }
            for text in away { _ = try await alice.send(text, to: "7") }

            let back = try await fastChat(on: "beta", in: cluster)
            try await back.client.logIn(FastChatUserNumber(7), password: Self.password, key: key, sign: back.sign)
            let missed = await texts(for: back.client, until: away[4])
            #expect(missed == away)
            _ = try await alice.send("live", to: "7")

            #expect(await texts(for: back.client, until: "live") == ["live"])
            await back.client.close()
        }
    }

    /// What was read is known to the other servers when the connection has ended, not only five seconds later.
    @Test func whoGoesToAnotherServerAtOnceGetsNothingTwice() async throws {
        try await ServerCluster.with(["alpha", "beta", "gamma"]) { cluster in
            let key = try RSAPrivateKey(newBits: 1024)
            let first = try await fastChat(on: "beta", in: cluster)
            try await first.client.register(
                FastChatUserNumber(7), password: Self.password, key: key, sign: first.sign)
            await first.client.close()
            let (bob, sid) = try await skaro("bob", on: cluster.nodes[1].server)
            await bob.close()
            let carol = try await cluster.nodes[1].server.messenger()
            try await carol.signUp(login: "carol", password: Self.password)
            await carol.close()
            let alice = try await skaro("alice", on: cluster.nodes[0].server).client

            // The saving every five seconds could hide one move, but not four.
            for round in 1...4 {
                let text = "round \(round)"
                for login in ["7", "bob", "carol"] { _ = try await alice.send(text, to: login) }
                let node = cluster.nodes[1 + round % 2]
                let seven = try await fastChat(on: node.name, in: cluster)
                try await seven.client.logIn(
                    FastChatUserNumber(7), password: Self.password, key: key, sign: seven.sign)
                let restored = try await node.server.skaro()
                #expect(try await restored.restore(sid) == sid)
                let again = try await node.server.messenger()
                try await again.logIn("carol", password: Self.password)

                #expect(await texts(for: seven.client, until: text) == [text], "FastChat")
                #expect(await texts(for: restored, until: text) == [text], "skaro")
                #expect(await texts(for: again, until: text) == [text], "messenger")

                await seven.client.close()
                await restored.close()
                await again.close()
                // Nothing tells a client that its cursor is saved; a fifth of the pause between two savings of all.
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    @Test func clientsOfAKilledServerGoOnElsewhere() async throws {
        try await ServerCluster.with(["alpha", "beta", "gamma"]) { cluster in
            let key = try RSAPrivateKey(newBits: 1024)
            let seven = try await fastChat(on: "beta", in: cluster)
            try await seven.client.register(
                FastChatUserNumber(7), password: Self.password, key: key, sign: seven.sign)
            let (bob, sid) = try await skaro("bob", on: cluster.nodes[1].server)
            let alice = try await skaro("alice", on: cluster.nodes[0].server).client
            let all = (1...20).map { "message \($0)" }

            for text in all[..<10] {
                for login in ["7", "bob"] { _ = try await alice.send(text, to: login) }
            }
            #expect(await texts(for: seven.client, until: all[9]) == Array(all[..<10]))
            #expect(await texts(for: bob, until: all[9]) == Array(all[..<10]))
            cluster.nodes[1].server.process.send(SIGKILL)
            _ = await cluster.nodes[1].server.process.ended()
            for text in all[10...] {
                for login in ["7", "bob"] { _ = try await alice.send(text, to: login) }
            }

            // The last seconds may come twice, in order; nothing is missing.
            let again = try await fastChat(on: "gamma", in: cluster)
            try await again.client.logIn(FastChatUserNumber(7), password: Self.password, key: key, sign: again.sign)
            let shown = await texts(for: again.client, until: all[19])
            #expect(shown.count >= 10 && shown == Array(all.suffix(shown.count)))

            // A skaro session is restored on a server that never had it.
            let restored = try await cluster.nodes[2].server.skaro()
            #expect(try await restored.restore(sid) == sid)
            let bodies = await texts(for: restored, until: all[19])
            #expect(bodies.count >= 10 && bodies == Array(all.suffix(bodies.count)))
            _ = try await alice.send("live", to: "bob")
            #expect(await texts(for: restored, until: "live") == ["live"])
            #expect(try await restored.send("still me", to: "alice").from == "bob")
            await again.client.close()
        }
    }

    @Test func sessionsThatEndedWithAKilledServerAreEndedByAnother() async throws {
        try await ServerCluster.with(["alpha", "beta"]) { cluster in
            let seven = try await fastChat(on: "beta", in: cluster)
            try await seven.client.register(
                FastChatUserNumber(7), password: Self.password, key: RSAPrivateKey(newBits: 1024), sign: seven.sign)
            let carol = try await cluster.nodes[1].server.messenger()
            try await carol.signUp(login: "carol", password: Self.password)
            try await carol.logIn("carol", password: Self.password)
            _ = try await skaro("bob", on: cluster.nodes[1].server)
            ServerCluster.use("alpha", in: cluster.program)
            let tail = try await cluster.program.start([Program.path, "tail"])

            cluster.nodes[1].server.process.send(SIGKILL)
            _ = await cluster.nodes[1].server.process.ended()
            // As if it had been dead for long.
            try await cluster.query("UPDATE nodes SET heartbeat_ms = 0 WHERE name = 'beta'")

            for login in ["7", "carol"] {
                let line = await tail.output.line {
                    $0.contains(" session ended ") && $0.split(separator: " ").dropFirst().first == login[...]
                }
                #expect(line != nil, "\(tail.errors.text)")
            }
            for (login, count) in [("7", 0), ("carol", 0), ("bob", 1)] {
                let sessions = try await cluster.manage(on: "alpha", "user", "sessions", login)["sessions"]?.array
                #expect(sessions?.count == count, "\(login)")
            }
        }
    }
}

/// What a killed server leaves behind when it starts again.
@Suite(.timeLimit(.minutes(10)))
struct AbandonedSessionTests {
    @Test func sessionsThatEndWithTheirConnectionEndWithTheServer() async throws {
        try await Program.with { program in
            var server = try await program.startServer()
            let carol = try await server.messenger()
            try await carol.signUp(login: "carol", password: "a password")
            try await carol.logIn("carol", password: "a password")
            func sessions() async throws -> Int? {
                let done = try await program.run([Program.path, "user", "sessions", "carol", "--json", "--quiet"])
                try #require(done.ending == .exited(0), "\(done.errors)")
                return try JSONValue.parse(Array(done.output.utf8))["sessions"]?.array?.count
            }
            #expect(try await sessions() == 1)

            server.process.send(SIGKILL)
            _ = await server.process.ended()
            server = try await program.startServer()

            // Ended when the server enters itself into the list, right after it is announced.
            var left = try await sessions()
            while left != 0 { left = try await sessions() }
            #expect(left == 0)
            await server.stop()
        }
    }
}
