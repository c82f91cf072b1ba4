// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import TestClient
import Testing
import Transport

@testable import Skaro

/// Peers that do not read what they are sent.
@Suite(.timeLimit(.minutes(10))) struct SkaroSlowReaderTests {
    @Test func slowReaderMissesNothingAndSlowsNobody() async throws {
        var limits = ConnectionRegistry.WebSocketLimits()
        limits.outboundBytes = 64 << 10
        try await SkaroServer.with(limits: limits) { server in
            let alice = try await server.join("alice")
            let slow = try await server.join("bob")
            let quick = try await server.logIn("bob")
            try await slow.client.webSocket.setReading(false)
            // More than the buffers of the system hold.
            let padding = String(repeating: "x", count: 60_000)
            let expected = (0..<120).map { "\($0) \(padding)" }
            for body in expected {
                _ = try await alice.client.send(body, to: "bob")
                #expect(try await quick.message().body == body)
            }

            // At most the limit, a batch and a message.
            #expect(await server.bufferedBytes(connections: 3) < 256 << 10)
            try await slow.client.webSocket.setReading(true)

            #expect(try await slow.bodies(120) == expected)
            _ = try await alice.client.send("live again", to: "bob")
            #expect(try await slow.bodies(1) == ["live again"])
        }
    }

    @Test func longBacklogIsNotBufferedWhole() async throws {
        var limits = ConnectionRegistry.WebSocketLimits()
        limits.outboundBytes = 64 << 10
        try await SkaroServer.with(limits: limits) { server in
            let alice = try await server.join("alice")
            _ = try await server.test.register("bob")
            let padding = String(repeating: "x", count: 60_000)
            let expected = (0..<120).map { "\($0) \(padding)" }
            for body in expected { _ = try await alice.client.send(body, to: "bob") }
            await alice.client.close()

            let client = try await server.connect()
            let socket = client.webSocket
            try await socket.setReading(false)
            async let session = client.authorize(login: "bob", password: ChatUnderTest.password)
            // Until the buffers of the system are full.
            var waiting = 0
            while waiting <= 64 << 10 { waiting = await server.bufferedBytes(connections: 1) }
            #expect(waiting < 256 << 10)
            try await socket.setReading(true)

            let bob = SkaroPerson(login: "bob", client: client, session: try await session)
            #expect(try await bob.bodies(120) == expected)
        }
    }

    @Test func requestsOfAPeerThatDoesNotReadWait() async throws {
        var limits = ConnectionRegistry.WebSocketLimits()
        limits.outboundBytes = 64 << 10
        try await SkaroServer.with(limits: limits) { server in
            let alice = try await server.join("alice")
            _ = try await server.test.register("bob")
            let long = String(repeating: "x", count: 60_000)
            for _ in 0..<100 { _ = try await alice.client.send(long, to: "bob") }
            let client = alice.client
            try await client.webSocket.setReading(false)

            // 20 answers of 6 MB each; the server holds little more than one of them at a time.
            try await withThrowingTaskGroup(of: Int?.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await client.request(.getHistory(dialog: "bob", before: nil, limit: nil)).history?.count
                    }
                }
                let other = try await server.logIn("bob")
                #expect(try await other.bodies(100).count == 100)
                try await client.webSocket.setReading(true)
                for try await count in group { #expect(count == 100) }
            }
        }
    }
}

extension SkaroServer {
    /// How many bytes wait on the connection on which the most wait.
    ///
    /// - Parameter connections: How many there are.
    /// - Returns: The most of all.
    fileprivate func bufferedBytes(connections: Int) async -> Int {
        let (sizes, source) = AsyncStream.makeStream(of: Int.self)
        // An identifier is a number within its loop, and that of the loop.
        let identifiers = (1...8).flatMap { number in
            (0..<64).map { ConnectionID(rawValue: UInt64(number) << 16 | UInt64($0)) }
        }
        registry.forEachSession(of: identifiers) { session in
            if let session = session as? SkaroSession { source.yield(session.connection?.bufferedBytes ?? 0) }
        }
        var most = 0
        for await size in sizes.prefix(connections) { most = max(most, size) }
        return most
    }
}
