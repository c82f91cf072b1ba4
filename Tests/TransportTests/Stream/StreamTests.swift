// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import Synchronization
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10)))
struct StreamTests {
    @Test func bytesAreAnsweredAndConnectionsCounted() async throws {
        var options = StreamTestServer.Options()
        let load = ServerLoad()
        options.load = load
        try await withStreamServer(options) { server in
            do {
                let client = try BareSocket(port: server.port)
                try client.send("hello")

                #expect(try await client.receiveText() == "hello")
                await server.events.wait(for: .acknowledged(1))
                #expect(server.registry.openConnections == 1)
                #expect(load.openConnections == 1)
                #expect(load.totalRequests == 1)
            }
            await server.events.wait(for: .closed)
            await server.registry.allClosed()
            #expect(load.openConnections == 0)
        }
    }

    // The rule of messenger and FastChat: one `recv` of the peer's is one unit.
    @Test func spacedUnitsArriveOneByOneAndAreReported() async throws {
        let spacing = TimeAmount.milliseconds(150)
        var options = StreamTestServer.Options()
        options.stream.spacing = spacing
        options.onText = { _, connection, _ in
            for unit in ["one", "two", "three", "four"] { connection.write(unit: ByteBuffer(string: unit)) }
        }
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port)
            try client.send("go")

            let reads = try await client.receiveEach(4)

            #expect(reads.map(\.text) == ["one", "two", "three", "four"])
            // The wire may delay the first of a pair more than the second, but not by much.
            #expect(reads[3].time - reads[0].time >= spacing + spacing)
            for _ in 0..<4 { await server.events.wait(for: .acknowledged(1)) }
        }
    }

    @Test func withoutSpacingUnitsLeaveTogether() async throws {
        var options = StreamTestServer.Options()
        options.onText = { _, connection, _ in
            for unit in ["one ", "two ", "three"] { connection.write(unit: ByteBuffer(string: unit)) }
        }
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port)
            try client.send("go")

            #expect(try await client.receiveText() == "one two three")
            await server.events.wait(for: .acknowledged(3))
        }
    }

    @Test(arguments: [nil, TimeAmount.milliseconds(1)])
    func nothingIsReportedBeforeThePeerHasIt(spacing: TimeAmount?) async throws {
        // More than both sockets can hold.
        let bytes = 24 << 20
        var options = StreamTestServer.Options()
        options.stream.spacing = spacing
        options.onText = { session, connection, _ in
            connection.write(unit: ByteBuffer(repeating: 0x61, count: bytes))
            connection.flush()
            session.events.record(.writable(connection.isWritable))
        }
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port, receiveBytes: 64 * 1024)
            try client.send("go")
            await server.events.wait(for: .writable(false))

            server.events.record(.reading)
            var count = 0
            while count < bytes { count += try await client.receive().count }

            #expect(await server.events.next() == .reading)
            #expect(await server.events.next() == .writable(true))
            #expect(await server.events.next() == .acknowledged(1))
        }
    }

    @Test func peerThatNeverReadsCostsBoundedMemory() async throws {
        let (peaks, peakSource) = AsyncStream.makeStream(of: Int.self)
        var options = StreamTestServer.Options()
        options.stream.outboundBytes = 256 * 1024
        options.onText = { _, connection, _ in
            var peak = 0
            // A session that never looks whether the peer keeps up.
            for _ in 0..<100_000 where connection.isOpen {
                connection.write(unit: ByteBuffer(repeating: 0x61, count: 1000))
                peak = max(peak, connection.bufferedBytes)
            }
            peakSource.yield(peak)
        }
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port)
            try client.send("go")
            let peak = try #require(await peaks.first { _ in true })

            #expect(peak >= 512 * 1024)
            #expect(peak <= 512 * 1024 + 1000)
            await server.events.wait(for: .closed)
        }
    }

    @Test func spacedUnitsOfASlowPeerWaitWithoutBeingLost() async throws {
        var options = StreamTestServer.Options()
        options.stream.spacing = .milliseconds(1)
        options.stream.outboundBytes = 64 * 1024
        options.onText = { _, connection, _ in
            for _ in 0..<24 { connection.write(unit: ByteBuffer(repeating: 0x61, count: 4096)) }
        }
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port, receiveBytes: 4096)
            try client.send("go")

            var count = 0
            while count < 24 * 4096 { count += try await client.receive(atMost: 4096).count }

            await server.events.wait(for: .writable(true))
            await server.events.wait(for: .acknowledged(1))
        }
    }

    @Test func sessionHearsWhenThePeerPauses() async throws {
        let gathered = Mutex("")
        var options = StreamTestServer.Options()
        options.onText = { _, connection, text in
            gathered.withLock { $0 += text }
            connection.awaitPause(of: .milliseconds(20))
        }
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port)
            try client.send("par")
            await server.events.wait(for: .text("par"))
            try client.send("ley")
            await server.events.wait(for: .text("ley"))
            await server.events.wait(for: .paused)

            #expect(gathered.withLock { $0 } == "parley")
        }
    }

    @Test func pauseThatIsTakenBackDoesNotCome() async throws {
        var options = StreamTestServer.Options()
        options.onText = { _, connection, text in
            connection.awaitPause(of: .milliseconds(text == "first" ? 5 : 20))
            if text == "second" { connection.awaitPause(of: nil) }
        }
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port)
            try client.send("second")
            await server.events.wait(for: .text("second"))
            try client.send("third")
            #expect(await server.events.next() == .text("third"))
            #expect(await server.events.next() == .paused)
        }
    }

    @Test func pausedConnectionHandsOverNothingUntilResumed() async throws {
        let (connections, source) = AsyncStream.makeStream(of: StreamConnection.self)
        var options = StreamTestServer.Options()
        options.onOpened = { source.yield($0) }
        options.onText = { _, connection, text in
            connection.write(unit: ByteBuffer(string: text))
            connection.pauseReading()
        }
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port)
            let connection = try #require(await connections.first { _ in true })
            try client.send("one")
            #expect(try await client.receiveText() == "one")

            try client.send("two")
            connection.eventLoop.execute {
                connection.write(unit: ByteBuffer(string: "mark"))
                connection.flush()
            }
            #expect(try await client.receiveText() == "mark")
            connection.eventLoop.execute { connection.resumeReading() }

            #expect(try await client.receiveText() == "two")
            connection.eventLoop.execute { connection.resumeReading() }
            #expect(server.registry.inboundBudget.usedBytes == 0)
        }
    }

    @Test func halfClosedPeerGetsItsAnswers() async throws {
        var options = StreamTestServer.Options()
        options.onText = { session, _, _ in session.answersEndOfInput = true }
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port)
            try client.send("question")
            client.endOutput()

            #expect(try await client.receiveText() == "the last word")
            #expect(try await client.receive() == [])
            await server.events.wait(for: .inputEnded)
            await server.events.wait(for: .closed)
        }
    }

    @Test(arguments: [nil, TimeAmount.milliseconds(2)])
    func closeComesAfterWhatWasWritten(spacing: TimeAmount?) async throws {
        var options = StreamTestServer.Options()
        options.stream.spacing = spacing
        options.onText = { _, connection, _ in
            for _ in 0..<50 { connection.write(unit: ByteBuffer(repeating: 0x61, count: 1000)) }
            connection.close()
            connection.write(unit: ByteBuffer(string: "too late"))
        }
        try await withStreamServer(options) { server in
            do {
                let client = try BareSocket(port: server.port)
                try client.send("go")

                #expect(try await client.receiveToEnd() == 50_000)
                // What comes now is thrown away.
                try client.send("still there?")
            }
            await server.events.wait(for: .text("go"))
            while let event = await server.events.next(), event != .closed {
                #expect(event == .acknowledged(spacing == nil ? 50 : 1))
            }
        }
    }

    @Test func closingConnectionWhosePeerDoesNotReadIsCut() async throws {
        var options = StreamTestServer.Options()
        options.stream.closeTimeout = .milliseconds(100)
        options.onText = { _, connection, _ in
            connection.write(unit: ByteBuffer(repeating: 0x61, count: 24 << 20))
            connection.close()
        }
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port)
            try client.send("go")

            await server.events.wait(for: .closed)
            #expect(try await client.receive(atMost: 1).count == 1)
        }
    }

    @Test func serverMayBeTheFirstToSpeak() async throws {
        var options = StreamTestServer.Options()
        options.stream.firstBytesTimeout = nil
        options.onOpened = { connection in
            connection.write(unit: ByteBuffer(string: "welcome"))
            connection.close()
        }
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port)

            #expect(try await client.receiveText() == "welcome")
            #expect(try await client.receive() == [])
        }
    }

    @Test func gracefulShutdownDrains() async throws {
        var options = StreamTestServer.Options()
        options.webSocket = { EchoSession(events: $0) }
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port)
            await server.events.wait(for: .opened)
            try await withRawClient(port: server.webSocketPort) { webSocket in
                try await webSocket.openWebSocket()

                await server.stop()

                // Both listeners drain at the same time: neither waits for the other's connections.
                #expect(try await client.receiveText() == "bye")
                #expect(try await webSocket.readFrame().closeCode == 1001)
                try await webSocket.send(clientFrame(.close, [0x03, 0xE9]))
                #expect(await webSocket.readToEnd() == [])
            }
            #expect(throws: BareSocket.Failure.self) { _ = try BareSocket(port: server.port) }
        }
    }

    @Test func connectionsThatDoNotEndAreCutAtTheBound() async throws {
        var options = StreamTestServer.Options()
        options.drainTimeout = .milliseconds(100)
        options.stream.spacing = .seconds(3600)
        options.onText = { _, connection, _ in
            for _ in 0..<3 { connection.write(unit: ByteBuffer(string: "unit")) }
        }
        try await withStreamServer(options) { server in
            let client = try BareSocket(port: server.port)
            try client.send("go")
            #expect(try await client.receiveText() == "unit")

            await server.stop()

            #expect(try await client.receive() == [])
            await server.events.wait(for: .closed)
        }
    }
}
