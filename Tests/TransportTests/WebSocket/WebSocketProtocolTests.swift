// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import Transport

/// The rules of RFC 6455, each over a real socket.
@Suite(.timeLimit(.minutes(10)))
struct WebSocketProtocolTests {
    struct BadBytes: CustomTestStringConvertible, Sendable {
        var name: String
        var bytes: [UInt8]
        var code: Int
        var testDescription: String { self.name }
    }

    static let badBytes: [BadBytes] = [
        BadBytes(name: "not masked", bytes: [0x81, 0x02, 0x68, 0x69], code: 1002),
        BadBytes(name: "RSV1", bytes: clientFrameHeader(0xC1, length: 0), code: 1002),
        BadBytes(name: "RSV2", bytes: clientFrameHeader(0xA1, length: 0), code: 1002),
        BadBytes(name: "RSV3", bytes: clientFrameHeader(0x91, length: 0), code: 1002),
        BadBytes(name: "unknown data opcode", bytes: clientFrameHeader(0x83, length: 0), code: 1002),
        BadBytes(name: "unknown control opcode", bytes: clientFrameHeader(0x8B, length: 0), code: 1002),
        BadBytes(name: "long ping", bytes: clientFrame(.ping, Array(repeating: 0, count: 126)), code: 1002),
        BadBytes(name: "fragmented ping", bytes: clientFrame(.ping, isFinal: false), code: 1002),
        BadBytes(name: "fragmented close", bytes: clientFrame(.close, isFinal: false), code: 1002),
        BadBytes(name: "continuation of nothing", bytes: clientFrame(.continuation, [0x61]), code: 1002),
        BadBytes(
            name: "text inside a text",
            bytes: clientFrame(.text, [0x61], isFinal: false) + clientFrame(.text, [0x62]),
            code: 1002
        ),
        BadBytes(
            name: "binary inside a text",
            bytes: clientFrame(.text, [0x61], isFinal: false) + clientFrame(.binary, [0x62]),
            code: 1002
        ),
        BadBytes(name: "negative length", bytes: [0x81, 0xFF] + Array(repeating: 0xFF, count: 8), code: 1002),
        BadBytes(name: "binary", bytes: clientFrame(.binary, [1, 2, 3]), code: 1003),
        BadBytes(name: "not UTF-8", bytes: clientFrame(.text, [0x61, 0xFF]), code: 1007),
        BadBytes(name: "half a character", bytes: clientFrame(.text, [0xE2, 0x82]), code: 1007),
        BadBytes(name: "surrogate", bytes: clientFrame(.text, [0xED, 0xA0, 0x80]), code: 1007),
        BadBytes(name: "overlong", bytes: clientFrame(.text, [0xC0, 0xAF]), code: 1007),
        BadBytes(
            name: "not UTF-8 over two frames",
            bytes: clientFrame(.text, [0xC3], isFinal: false) + clientFrame(.continuation, [0x28]),
            code: 1007
        ),
        BadBytes(name: "close with one byte", bytes: clientFrame(.close, [0x03]), code: 1002),
        BadBytes(name: "close 999", bytes: clientFrame(.close, [0x03, 0xE7]), code: 1002),
        BadBytes(name: "close 1005", bytes: clientFrame(.close, [0x03, 0xED]), code: 1002),
        BadBytes(name: "close 1006", bytes: clientFrame(.close, [0x03, 0xEE]), code: 1002),
        BadBytes(name: "close 2999", bytes: clientFrame(.close, [0x0B, 0xB7]), code: 1002),
        BadBytes(name: "close 5000", bytes: clientFrame(.close, [0x13, 0x88]), code: 1002),
        BadBytes(name: "close reason not UTF-8", bytes: clientFrame(.close, [0x03, 0xE8, 0xFF]), code: 1007),
        BadBytes(name: "announced too long", bytes: clientFrameHeader(0x81, length: 65_537), code: 1009),
        BadBytes(name: "announced enormous", bytes: clientFrameHeader(0x81, length: 1 << 62), code: 1009),
        BadBytes(
            name: "too long in fragments",
            bytes: clientFrame(.text, Array(repeating: 0x61, count: 40_000), isFinal: false)
                + clientFrameHeader(0x80, length: 40_000),
            code: 1009
        ),
    ]

    // spec: RFC 6455 §5.1, §5.2, §5.4, §5.5, §7.1.7, §8.1
    @Test(arguments: Self.badBytes)
    func brokenRuleIsAnsweredWithItsCloseCode(bad: BadBytes) async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()

                try await client.send(bad.bytes)

                #expect(try await client.readFrame().closeCode == bad.code)
                #expect(await client.readToEnd() == [])
            }
            await server.events.wait(for: .closed)
            #expect(server.registry.inboundBudget.usedBytes == 0)
        }
    }

    // spec: RFC 6455 §5.4
    @Test func fragmentsWithControlFramesBetweenMakeOneMessage() async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()

                try await client.send(
                    clientFrame(.text, Array("gr\u{FC}\u{DF}".utf8.dropLast()), isFinal: false)
                        + clientFrame(.ping, [1, 2]) + clientFrame(.continuation, isFinal: false)
                        + clientFrame(.continuation, Array("\u{DF}".utf8.suffix(1)) + Array("e".utf8))
                )

                #expect(try await client.readFrame() == RawClient.Frame(opcode: 10, payload: [1, 2]))
                #expect(try await client.readFrame().text == "gr\u{FC}\u{DF}e")
            }
        }
    }

    @Test(arguments: [1, 2, 3, 5, 7, 13, 64, 1000])
    func splitIntoPiecesChangesNothing(pieceBytes: Int) async throws {
        let texts = [
            "", "a", "h\u{E9}llo", String(repeating: "x", count: 125), String(repeating: "y", count: 126),
            String(repeating: "z\u{1F600}", count: 400),
        ]
        let bytes = texts.flatMap { clientFrame(.text, Array($0.utf8)) }
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()

                for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
                    try await client.send(Array(bytes[start..<min(start + pieceBytes, bytes.count)]))
                }

                for text in texts {
                    #expect(try await client.readFrame().text == text)
                }
            }
        }
    }

    @Test(arguments: [0, 125, 126, 4096, 4097, 8192, 8193, 65_535, 65_536])
    func everyLengthIsEchoedWhole(count: Int) async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()

                try await client.send(text: String(repeating: "m", count: count))

                #expect(try await client.readFrame().payload == Array(repeating: UInt8(ascii: "m"), count: count))
            }
        }
    }

    @Test func bytesBehindTheHandshakeAreTheFirstFrame() async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                let head = RawClient.handshake.joined(separator: "\r\n") + "\r\n\r\n"
                try await client.send(Array(head.utf8) + clientFrame(.text, Array("early".utf8)))

                #expect(try await client.readHead().contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
                #expect(try await client.readFrame().text == "early")
            }
        }
    }

    // spec: RFC 6455 §5.5.1, §7.1.1
    @Test(arguments: [[], [0x03, 0xE8], [0x0F, 0xA0]] as [[UInt8]])
    func closeIsEchoedAndTheConnectionEnds(payload: [UInt8]) async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()

                try await client.send(clientFrame(.close, payload))

                #expect(try await client.readFrame() == RawClient.Frame(opcode: 8, payload: payload))
                #expect(await client.readToEnd() == [])
            }
            await server.events.wait(for: .closed)
        }
    }

    @Test func closeBySessionWaitsForTheEcho() async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()

                try await client.send(text: "close")
                let close = try await client.readFrame()
                try await client.send(clientFrame(.text, Array("too late".utf8)))
                try await client.send(clientFrame(.close, close.payload))

                #expect(close.closeCode == 1000)
                #expect(close.text.hasSuffix("as asked"))
                #expect(await client.readToEnd() == [])
            }
        }
    }

    @Test func closeThatIsNotAnsweredEndsAfterTheTimeout() async throws {
        var options = TestServer.Options()
        options.limits.closeTimeout = .milliseconds(1)
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()

                try await client.send(text: "close")

                #expect(try await client.readFrame().closeCode == 1000)
                #expect(await client.readToEnd() == [])
            }
        }
    }

    @Test func limitCanBeLoweredAndCountsTheWholeMessage() async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()

                try await client.send(text: "limit")
                try await client.send(text: "0123456789")
                #expect(try await client.readFrame().text == "0123456789")
                try await client.send(clientFrame(.text, Array("01234".utf8), isFinal: false))
                try await client.send(clientFrame(.continuation, Array("567890".utf8)))

                #expect(try await client.readFrame().closeCode == 1009)
            }
        }
    }

    @Test func unfinishedMessagesShareABudget() async throws {
        var options = TestServer.Options()
        options.inboundBytes = 64 * 1024
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { first in
                try await first.openWebSocket()
                try await first.send(clientFrame(.text, Array(repeating: 0x61, count: 40_000), isFinal: false))
                try await first.send(clientFrame(.ping))
                #expect(try await first.readFrame().opcode == 10)

                try await withRawClient(port: server.port) { second in
                    try await second.openWebSocket()
                    try await second.send(clientFrame(.text, Array(repeating: 0x61, count: 40_000), isFinal: false))
                    #expect(try await second.readFrame().closeCode == 1013)
                }

                try await first.send(clientFrame(.continuation))
                #expect(try await first.readFrame().payload.count == 40_000)
                #expect(server.registry.inboundBudget.usedBytes == 0)
            }
        }
    }

    @Test func messageThatNeverEndsIsRefused() async throws {
        var options = TestServer.Options()
        options.limits.messageTimeout = .milliseconds(1)
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()

                try await client.send(clientFrame(.text, [0x61], isFinal: false))

                #expect(try await client.readFrame().closeCode == 1008)
            }
        }
    }

    @Test func silentPeerIsPingedAndThenCut() async throws {
        var options = TestServer.Options()
        options.limits.pingInterval = .milliseconds(1)
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()

                #expect(try await client.readFrame().opcode == 9)
                #expect(await client.readToEnd() == [])
            }
            await server.events.wait(for: .closed)
        }
    }

    @Test func compressionOfferIsIgnored() async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.send(
                    request: RawClient.handshake + ["Sec-WebSocket-Extensions: permessage-deflate"])

                let head = try await client.readHead()
                #expect(head.hasPrefix("HTTP/1.1 101 "))
                #expect(!head.lowercased().contains("sec-websocket-extensions"))
            }
        }
    }

    @Test func messagesOfOneReadAreFollowedByOneBatchEnd() async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()

                try await client.send(["a", "b", "c"].flatMap { clientFrame(.text, Array($0.utf8)) })

                await server.events.wait(for: .text("c"))
                await server.events.wait(for: .batchEnded)
                for text in ["a", "b", "c"] { #expect(try await client.readFrame().text == text) }
            }
        }
    }

    @Test func halfClosedPeerIsClosed() async throws {
        try await withTestServer { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()

                client.finishWriting()

                #expect(await client.readToEnd() == [])
            }
            await server.events.wait(for: .closed)
        }
    }
}
