// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The bytes of one WebSocket frame, right or wrong: tests of a server also send what no client may.
///
/// RFC 6455 §5.2.
package struct WebSocketFrameBytes: Sendable {
    /// 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong; others are reserved.
    ///
    /// Four bits.
    package var opcode: UInt8
    package var isFinal = true
    /// The three reserved bits, 0 to 7.
    package var reservedBits: UInt8 = 0
    /// Clients must mask; `nil` does not.
    package var maskingKey: UInt32?
    /// The length that the header states, where it is not the payload's.
    package var statedLength: UInt64?

    package init(
        opcode: UInt8, isFinal: Bool = true, reservedBits: UInt8 = 0, maskingKey: UInt32? = 0x5A17_C3E9,
        statedLength: UInt64? = nil
    ) {
        self.opcode = opcode
        self.isFinal = isFinal
        self.reservedBits = reservedBits
        self.maskingKey = maskingKey
        self.statedLength = statedLength
    }

    /// Header and payload in one buffer.
    package func encoded(_ payload: [UInt8]) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: payload.count + 14)
        buffer.writeInteger((isFinal ? 0x80 : 0) | (reservedBits & 7) << 4 | (opcode & 0xF))
        let length = statedLength ?? UInt64(payload.count)
        let mask: UInt8 = maskingKey == nil ? 0 : 0x80
        switch length {
        case 0..<126: buffer.writeInteger(mask | UInt8(length))
        case 126..<65_536:
            buffer.writeInteger(mask | 126)
            buffer.writeInteger(UInt16(length))
        default:
            buffer.writeInteger(mask | 127)
            buffer.writeInteger(length)
        }
        guard let maskingKey else {
            buffer.writeBytes(payload)
            return buffer
        }
        buffer.writeInteger(maskingKey)
        let headerLength = buffer.readableBytes
        buffer.writeBytes(payload)
        buffer.withUnsafeMutableReadableBytes { bytes in
            Self.mask(UnsafeMutableRawBufferPointer(rebasing: bytes[headerLength...]), with: maskingKey)
        }
        return buffer
    }

    /// Eight bytes at a time, then the rest.
    private static func mask(_ bytes: UnsafeMutableRawBufferPointer, with key: UInt32) {
        let wide = (UInt64(key) << 32 | UInt64(key)).bigEndian
        var offset = 0
        while offset + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            bytes.storeBytes(of: word ^ wide, toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        while offset < bytes.count {
            bytes[offset] ^= UInt8(truncatingIfNeeded: key >> UInt32(24 - offset % 4 * 8))
            offset += 1
        }
    }
}
