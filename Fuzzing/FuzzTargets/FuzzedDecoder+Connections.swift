// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import NIOCore
import NIOEmbedded
import Operations
import Transport

/// What cuts streams into messages.
extension FuzzedDecoder {
    static func webSocket(_ bytes: [UInt8]) throws(BrokenPromise) {
        let whole = events([bytes])
        let cut = events(Array(Pieces(of: bytes)))
        try BrokenPromise.unless(cut == whole, "where the bytes were cut changes nothing")
    }

    /// What comes of pieces of input, to the first violation or close.
    private static func events(_ pieces: [[UInt8]]) -> [WebSocketDecoder.Event] {
        var decoder = WebSocketDecoder(
            maximumMessageBytes: 1024, acceptedMessages: [.text, .binary], budget: InboundBudget(maximumBytes: 1 << 20))
        var scratch = ByteBuffer()
        var events: [WebSocketDecoder.Event] = []
        for piece in pieces {
            var input = ByteBuffer(bytes: piece)
            decoding: while true {
                let event = decoder.next(&input, scratch: &scratch)
                switch event {
                case .needsMoreBytes: break decoding
                case .violation, .close: return events + [event]
                // The buffer is shared with the next message.
                case .text(let text): events.append(.text(ByteBuffer(bytes: Array(text.readableBytesView))))
                case .binary(let data): events.append(.binary(ByteBuffer(bytes: Array(data.readableBytesView))))
                case .ping, .pong: events.append(event)
                }
            }
        }
        return events
    }

    static func adminSocket(_ bytes: [UInt8]) throws(BrokenPromise) {
        let lines = lines([bytes])
        try BrokenPromise.unless(
            Self.lines(Array(Pieces(of: bytes))) == lines, "where the bytes were cut changes nothing")
        for line in lines where RequestCheck.accepts(line) {
            for operation in OperationRegistry.all { decode(line, operation) }
        }
    }

    private static func lines(_ pieces: [[UInt8]]) -> [[UInt8]] {
        let channel = EmbeddedChannel(handler: ByteToMessageHandler(LineDecoder(maximumBytes: 4096)))
        var lines: [[UInt8]] = []
        for piece in pieces {
            guard (try? channel.writeInbound(ByteBuffer(bytes: piece))) != nil else { break }
            while let line = try? channel.readInbound(as: ByteBuffer.self) {
                lines.append(Array(line.readableBytesView))
            }
        }
        while let line = try? channel.readInbound(as: ByteBuffer.self) { lines.append(Array(line.readableBytesView)) }
        _ = try? channel.finish()
        return lines
    }

    private static func decode<Operation: AdminOperation>(_ line: [UInt8], _: Operation.Type) {
        _ = try? JSONDecoder().decode(OperationRequest<Operation>.self, from: Data(line))
    }
}
