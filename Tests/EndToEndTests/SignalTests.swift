// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import MTP
import NIOCore
import TestClient
import Testing

/// How the server ends: in order at the first signal, at once at the second.
@Suite(.timeLimit(.minutes(10)))
struct SignalTests {
    /// Keeps an SQLite database locked until it is killed.
    private static let holder = """
        import signal, sqlite3, sys
        database = sqlite3.connect(sys.argv[1], isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        print("held", flush=True)
        signal.pause()
        """

    @Test(arguments: [SIGTERM, SIGINT])
    func firstSignalClosesConnectionsAndEndsWithZero(signal: Int32) async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            let alice = try await Person("alice", on: server)

            server.process.send(signal)

            #expect(await alice.client.webSocket.closed().code == 1001)
            #expect(await server.process.ended() == .exited(0))
        }
    }

    @Test func clientsOfEveryProtocolAreLetGo() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            let skaro = try await server.skaro()
            try await skaro.register(login: "alice", password: "a password")
            try await skaro.authorize(login: "alice", password: "a password")
            let messenger = try await server.messenger()
            try await messenger.logIn("alice", password: "a password")
            let fastChat = try await RawConnection(port: server.port(of: "FastChat"))

            server.process.send(SIGTERM)

            #expect(await skaro.webSocket.closed().code == 1001)
            for await _ in messenger.pushes {}
            await fastChat.received.ended()
            #expect(await server.process.ended() == .exited(0))
        }
    }

    @Test func requestsInFlightAreAnsweredBeforeTheEnd() async throws {
        try await Program.with { program in
            program["PARLEY_DATABASE_BUSY_TIMEOUT"] = "2m"
            let server = try await program.startServer()
            let alice = try await Person("alice", on: server)
            let flow = try await alice.makeFlow()
            let socket = try await WebSocketClient.connect(url: server.url)
            let texts = (1...8).map { "message \($0)" }
            let holder = try await program.start([
                "python3", "-c", Self.holder, program.path("db_sqlite.db"),
            ])
            try #require(await holder.output.line { $0 == "held" } != nil)

            // One piece: what was sent behind an answered request has arrived, too.
            var bytes = Self.frame(.pingPong(as: alice.credentials))
            for text in texts {
                let message = MessageObject(clientID: 1, text: JSONText(text))
                var frame = Self.frame(.sendMessage(as: alice.credentials, flow: flow, message))
                bytes.writeBuffer(&frame)
            }
            try await socket.send(raw: Array(bytes.readableBytesView))
            #expect(try await Self.nextCode(socket) == 200)
            server.process.send(SIGTERM)
            #expect(await server.isStopping())
            holder.send(SIGKILL)

            for _ in texts { #expect(try await Self.nextCode(socket) == 200) }
            #expect(try await socket.receive() == nil)
            #expect(socket.closure?.code == 1001)
            #expect(await server.process.ended() == .exited(0))
            let again = try await program.startServer()
            let messages = try await Person(alice.credentials, on: again).messages(of: flow)
            #expect(messages.map { $0.text?.string } == texts)
        }
    }

    /// Two signals, and the status that the second one ends the program with.
    private static let pairs: [(first: Int32, second: Int32, status: Int32)] = [
        (SIGTERM, SIGTERM, 143), (SIGINT, SIGINT, 130), (SIGTERM, SIGINT, 130),
    ]

    @Test(arguments: pairs)
    func secondSignalEndsAtOnce(first: Int32, second: Int32, status: Int32) async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            // The server waits for the answer to its close frame, which a client that does not read never sends.
            let silent = try await WebSocketClient.connect(url: server.url)
            try await silent.setReading(false)

            server.process.send(first)
            #expect(await server.isStopping())

            #expect(await Self.ended(server.process, by: second) == .exited(status))
            await silent.abort()
        }
    }

    /// As `timeout` sends them, to the process and to its group; signals of two kinds are never merged.
    @Test func signalsOfOneMomentAreOne() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            let alice = try await Person("alice", on: server)

            server.process.send(SIGTERM)
            server.process.send(SIGINT)

            #expect(await alice.client.webSocket.closed().code == 1001)
            #expect(await server.process.ended() == .exited(0))
        }
    }

    @Test func connectionThatDoesNotAnswerCannotHoldUpTheEnd() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            let silent = try await WebSocketClient.connect(url: server.url)
            try await silent.setReading(false)
            let half = try await RawConnection(to: server)
            try await half.send("GET / HTTP/1.1\r\nHost: lo")

            server.process.send(SIGTERM)

            #expect(await server.process.ended() == .exited(0))
            await silent.abort()
            await half.close()
        }
    }

    /// Signals until the process has ended: the first of them may still belong to the one before.
    private static func ended(_ process: ChildProcess, by signal: Int32) async -> ChildProcess.Ending {
        let sending = Task {
            while !Task.isCancelled {
                process.send(signal)
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
        defer { sending.cancel() }
        return await process.ended()
    }

    private static func frame(_ request: MTPRequest) -> ByteBuffer {
        WebSocketFrameBytes(opcode: 1).encoded(request.encoded())
    }

    private static func nextCode(_ socket: WebSocketClient) async throws -> Int? {
        try await socket.receive().map { try MTPResponse(decoding: ByteBuffer(bytes: $0)) }?.code
    }
}
