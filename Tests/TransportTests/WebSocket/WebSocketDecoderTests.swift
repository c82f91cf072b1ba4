// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HostileText
import NIOCore
import TestSupport
import Testing

@testable import Transport

struct WebSocketDecoderTests {
    private func decode(_ bytes: [UInt8], pieces: Int, limit: Int = 1 << 20) -> [WebSocketDecoder.Event] {
        var decoder = WebSocketDecoder(maximumMessageBytes: limit, budget: InboundBudget())
        var scratch = ByteBuffer()
        var events: [WebSocketDecoder.Event] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            var input = ByteBuffer(bytes: bytes[start..<min(start + pieces, bytes.count)])
            while true {
                let event = decoder.next(&input, scratch: &scratch)
                if event == .needsMoreBytes { break }
                events.append(event)
                if case .violation = event { return events }
            }
        }
        return events
    }

    @Test func everySplitGivesTheSameEvents() {
        let text = String(repeating: "\u{20AC}uro ", count: 70)
        let bytes =
            clientFrame(.text, Array(text.utf8)) + clientFrame(.ping, Array("p".utf8)) + clientFrame(.pong)
            + clientFrame(.text, Array(text.utf8.prefix(101)), isFinal: false)
            + clientFrame(.continuation, Array(text.utf8.dropFirst(101))) + clientFrame(.close, [0x03, 0xE8])
        let expected: [WebSocketDecoder.Event] = [
            .text(ByteBuffer(string: text)), .ping(ByteBuffer(string: "p")), .pong, .text(ByteBuffer(string: text)),
            .close(.normal),
        ]

        for pieces in 1...bytes.count {
            #expect(self.decode(bytes, pieces: pieces) == expected)
        }
    }

    /// A long message in fragments of one byte, or read by single bytes, takes no more than its part of the time of
    /// short ones.
    @Test(arguments: [1, 1 << 20]) func singleBytesTakeTimeInProportion(pieces: Int) {
        func fragments(_ count: Int) -> [UInt8] {
            clientFrame(.text, [0x61], isFinal: false)
                + (2..<count).flatMap { _ in clientFrame(.continuation, [0x61], isFinal: false) }
                + clientFrame(.continuation, [0x61])
        }
        func read(_ bytes: [UInt8], _ count: Int) {
            #expect(self.decode(bytes, pieces: pieces) == [.text(ByteBuffer(repeating: 0x61, count: count))])
        }
        let (short, long) = (fragments(200), fragments(3200))
        read(short, 200)

        let ratio = HostileText.ratio({ read(long, 3200) }, to: { for _ in 0..<16 { read(short, 200) } })

        #expect(ratio < 8)
    }

    @Test func randomBytesNeverTrap() {
        var generator = SeededGenerator(seed: 42)
        for _ in 0..<2000 {
            let count = Int.random(in: 1...200, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let events = self.decode(bytes, pieces: Int.random(in: 1...20, using: &generator), limit: 4096)
            #expect(events.count <= count)
        }
    }

    @Test func violationIsSeenWithTheFirstByteThatShowsIt() {
        #expect(self.decode([0xC1], pieces: 1) == [.violation(.protocolError)])
        #expect(self.decode([0x81, 0x01], pieces: 1) == [.violation(.protocolError)])
        #expect(self.decode(clientFrameHeader(0x81, length: 11), pieces: 1, limit: 10) == [.violation(.messageTooBig)])
    }

    @Test func budgetIsTakenForWhatArrivedAndGivenBack() {
        let budget = InboundBudget(maximumBytes: 1 << 20)
        var decoder = WebSocketDecoder(maximumMessageBytes: 1 << 20, budget: budget)
        var scratch = ByteBuffer()
        var input = ByteBuffer(bytes: clientFrameHeader(0x81, length: 1_000_000) + [1, 2, 3])

        #expect(decoder.next(&input, scratch: &scratch) == .needsMoreBytes)
        #expect(budget.usedBytes == 256)
        decoder.reset()
        #expect(budget.usedBytes == 0)
    }

    @Test func unmaskingTurnsTheMaskAndSeesNonASCII() {
        let mask: UInt32 = 0x0403_0201
        for count in 0...40 {
            let masked = (0..<count).map { UInt8($0) ^ UInt8(truncatingIfNeeded: mask >> UInt32($0 % 4 * 8)) }
            for cut in 0...count {
                var buffer = ByteBuffer()
                masked.withUnsafeBytes { bytes in
                    guard let base = bytes.baseAddress else { return }
                    let first = buffer.writeUnmasked(from: base, count: cut, mask: mask)
                    let rest = turnMask(mask, by: cut)
                    let second = buffer.writeUnmasked(from: base + cut, count: count - cut, mask: rest)
                    #expect(first && second)
                }
                #expect(Array(buffer.readableBytesView) == (0..<count).map { UInt8($0) })
            }
        }
        for position in 0..<20 {
            var bytes = Array(repeating: UInt8(0x61), count: 20)
            bytes[position] = 0x80
            var buffer = ByteBuffer()
            bytes.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                let isASCII = buffer.writeUnmasked(from: base, count: 20, mask: 0)
                #expect(!isASCII)
            }
        }
    }
}
