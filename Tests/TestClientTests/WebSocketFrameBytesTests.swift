// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TestClient
import Testing

@Suite struct WebSocketFrameBytesTests {
    private func bytes(_ frame: WebSocketFrameBytes, _ payload: [UInt8]) -> [UInt8] {
        Array(buffer: frame.encoded(payload))
    }

    // spec: RFC 6455 §5.7
    @Test func theExamplesOfTheStandardComeOut() {
        let hello = Array("Hello".utf8)

        #expect(bytes(.init(opcode: 1, maskingKey: nil), hello) == [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f])
        #expect(
            bytes(.init(opcode: 1, maskingKey: 0x37fa_213d), hello)
                == [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58])
        #expect(
            bytes(.init(opcode: 1, isFinal: false, maskingKey: nil), Array("Hel".utf8)) == [
                0x01, 0x03, 0x48, 0x65, 0x6c,
            ])
        #expect(bytes(.init(opcode: 0, maskingKey: nil), Array("lo".utf8)) == [0x80, 0x02, 0x6c, 0x6f])
        #expect(
            bytes(.init(opcode: 2, maskingKey: nil), Array(repeating: 7, count: 256)).prefix(4) == [0x82, 0x7E, 1, 0])
        #expect(
            bytes(.init(opcode: 2, maskingKey: nil), Array(repeating: 7, count: 65_536)).prefix(10)
                == [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0])
    }

    @Test func maskingCoversEveryLength() {
        for length in [0, 1, 3, 7, 8, 9, 15, 16, 17, 125, 126, 127, 1000, 65_535, 65_536] {
            let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let frame = bytes(.init(opcode: 1, maskingKey: 0x0102_0304), payload)
            let key: [UInt8] = [1, 2, 3, 4]

            let body = frame.suffix(length)

            #expect(Array(frame.dropLast(length).suffix(4)) == key)
            #expect(zip(body, 0...).map { $0 ^ key[$1 % 4] } == payload)
        }
    }

    @Test func whatNoClientMayDoIsPossible() {
        #expect(bytes(.init(opcode: 11, isFinal: false, reservedBits: 7, maskingKey: nil), []) == [0x7B, 0])
        #expect(
            bytes(.init(opcode: 1, maskingKey: nil, statedLength: 1 << 62), [])
                == [0x81, 0x7F, 0x40, 0, 0, 0, 0, 0, 0, 0])
    }
}
