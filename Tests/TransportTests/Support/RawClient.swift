// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL

/// A client that sends and reads bytes and knows no rules, so that it can break them.
final class RawClient {
    struct Frame: Equatable, CustomStringConvertible {
        var opcode: UInt8
        var payload: [UInt8]

        var text: String { String(decoding: self.payload, as: UTF8.self) }
        var closeCode: Int? {
            self.opcode == 8 && self.payload.count >= 2 ? Int(self.payload[0]) << 8 | Int(self.payload[1]) : nil
        }
        var description: String { "\(self.opcode):\(self.text)" }
    }

    struct ConnectionEnded: Error {}

    static let handshake = [
        "GET /ws HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]

    private var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var buffer = ByteBuffer()
    let channel: any Channel

    fileprivate init(
        inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        channel: any Channel
    ) {
        self.iterator = inbound.makeAsyncIterator()
        self.outbound = outbound
        self.channel = channel
    }

    func send(_ bytes: [UInt8]) async throws {
        try await self.outbound.write(ByteBuffer(bytes: bytes))
    }

    /// Sends a request: lines, and the empty line.
    func send(request lines: [String]) async throws {
        try await self.send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
    }

    func send(text: String) async throws {
        try await self.send(clientFrame(.text, Array(text.utf8)))
    }

    /// Becomes a WebSocket connection and checks the answer's first line.
    func openWebSocket() async throws {
        try await self.send(request: Self.handshake)
        guard try await self.readHead().hasPrefix("HTTP/1.1 101 ") else { throw ConnectionEnded() }
    }

    /// Reads up to and with the empty line.
    func readHead() async throws -> String {
        while true {
            let bytes = Array(self.buffer.readableBytesView)
            let end = bytes.indices.dropFirst(3).first { bytes[($0 - 3)...$0].elementsEqual([13, 10, 13, 10]) }
            if let end {
                return String(decoding: self.buffer.readBytes(length: end + 1) ?? [], as: UTF8.self)
            }
            try await self.readMore()
        }
    }

    /// Reads a response whose length its head tells.
    func readResponse() async throws -> (head: String, body: String) {
        let head = try await self.readHead()
        let line = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
        let length = line.flatMap { Int($0.split(separator: ":")[1].filter(\.isNumber)) } ?? 0
        while self.buffer.readableBytes < length { try await self.readMore() }
        return (head, self.buffer.readString(length: length) ?? "")
    }

    func readFrame() async throws -> Frame {
        while true {
            if let frame = self.takeFrame() { return frame }
            try await self.readMore()
        }
    }

    private func takeFrame() -> Frame? {
        var bytes = self.buffer
        guard let first = bytes.readInteger(as: UInt8.self), let second = bytes.readInteger(as: UInt8.self) else {
            return nil
        }
        var length = Int?.some(Int(second))
        if second == 126 { length = bytes.readInteger(as: UInt16.self).map { Int($0) } }
        if second == 127 { length = bytes.readInteger(as: UInt64.self).map { Int($0) } }
        guard let length, let payload = bytes.readBytes(length: length) else { return nil }
        self.buffer = bytes
        return Frame(opcode: first & 0x0F, payload: payload)
    }

    /// Everything until the peer closes.
    func readToEnd() async -> [UInt8] {
        while true {
            do {
                try await self.readMore()
            } catch {
                return self.buffer.readBytes(length: self.buffer.readableBytes) ?? []
            }
        }
    }

    func finishWriting() {
        self.outbound.finish()
    }

    private func readMore() async throws {
        guard var more = try await self.iterator.next() else { throw ConnectionEnded() }
        self.buffer.writeBuffer(&more)
    }
}

/// Connects to a local port around `body`.
func withRawClient<Result>(
    port: Int,
    tls: NIOSSLContext? = nil,
    before: [UInt8] = [],
    _ body: (RawClient) async throws -> Result
) async throws -> Result {
    let asyncChannel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                if let tls {
                    let handler = try NIOSSLClientHandler(context: tls, serverHostname: "localhost")
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
                if !before.isEmpty {
                    try channel.pipeline.syncOperations.addHandler(FirstBytes(before), position: .first)
                }
                return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                    wrappingChannelSynchronously: channel,
                    configuration: .init(isOutboundHalfClosureEnabled: true)
                )
            }
        }
    return try await asyncChannel.executeThenClose { inbound, outbound in
        try await body(RawClient(inbound: inbound, outbound: outbound, channel: asyncChannel.channel))
    }
}

/// Sends bytes as soon as there is a connection, before TLS has a word.
private final class FirstBytes: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: self.bytes)), promise: nil)
        context.fireChannelActive()
    }
}

enum ClientOpcode: UInt8 {
    case continuation = 0
    case text
    case binary
    case close = 8
    case ping
    case pong
}

/// A masked frame.
func clientFrame(_ opcode: ClientOpcode, _ payload: [UInt8] = [], isFinal: Bool = true) -> [UInt8] {
    let mask: [UInt8] = [0x11, 0xA2, 0x33, 0xF4]
    return clientFrameHeader(opcode.rawValue | (isFinal ? 0x80 : 0), length: payload.count, mask: mask)
        + payload.enumerated().map { $1 ^ mask[$0 % 4] }
}

/// The header of a masked frame that may promise any length.
func clientFrameHeader(_ first: UInt8, length: Int, mask: [UInt8] = [1, 2, 3, 4]) -> [UInt8] {
    var bytes = [first]
    switch length {
    case ...125: bytes.append(0x80 | UInt8(length))
    case ...0xFFFF: bytes += [0x80 | 126, UInt8(length >> 8), UInt8(length & 0xFF)]
    default: bytes += [0x80 | 127] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
    }
    return bytes + mask
}
