// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What a frame is.
///
/// RFC 6455 §5.2; the other numbers are reserved and refused.
enum WebSocketFrameKind: UInt8 {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    var isControl: Bool {
        self.rawValue & 0x8 != 0
    }
}

/// The header of a frame that a client sent.
struct WebSocketFrameHeader: Equatable {
    /// The longest header: two bytes, eight of length, four of mask.
    static let maximumBytes = 14
    /// The longest payload of a control frame.
    static let maximumControlBytes = 125

    var kind: WebSocketFrameKind
    var isFinal: Bool
    var length: Int
    /// The mask as four bytes in memory order, read little-endian.
    var mask: UInt32

    enum Parsed: Equatable {
        case incomplete
        case header(WebSocketFrameHeader, bytes: Int)
        case violation
    }

    /// Reads the header at the start of `bytes`, and refuses a bad one as soon as its bytes are there.
    @inline(__always)
    static func parse(_ bytes: UnsafeRawBufferPointer) -> Parsed {
        guard bytes.count >= 1 else { return .incomplete }
        let first = bytes[0]
        guard first & 0x70 == 0, let kind = WebSocketFrameKind(rawValue: first & 0x0F) else { return .violation }
        let isFinal = first & 0x80 != 0
        if kind.isControl && !isFinal { return .violation }

        guard bytes.count >= 2 else { return .incomplete }
        let second = bytes[1]
        guard second & 0x80 != 0 else { return .violation }
        var length = UInt64(second & 0x7F)
        if kind.isControl && length > Self.maximumControlBytes { return .violation }
        var offset = 2
        if length == 126 {
            guard bytes.count >= 4 else { return .incomplete }
            length = UInt64(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
            offset = 4
        } else if length == 127 {
            guard bytes.count >= 10 else { return .incomplete }
            length = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            guard length <= UInt64(Int.max) else { return .violation }
            offset = 10
        }
        guard bytes.count >= offset + 4 else { return .incomplete }
        let mask = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        let header = WebSocketFrameHeader(kind: kind, isFinal: isFinal, length: Int(length), mask: mask)
        return .header(header, bytes: offset + 4)
    }
}

/// Copies `count` bytes, removes the mask in the same pass, and tells whether all are ASCII.
///
/// The mask must be turned so that its lowest byte belongs to the first byte of `source`.
func copyUnmasked(
    from source: UnsafeRawPointer,
    to target: UnsafeMutableRawPointer,
    count: Int,
    mask: UInt32
) -> Bool {
    let wideMask = UInt64(littleEndian: UInt64(mask) << 32 | UInt64(mask))
    var seen: UInt64 = 0
    var index = 0
    while index &+ 8 <= count {
        let word = source.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ wideMask
        target.storeBytes(of: word, toByteOffset: index, as: UInt64.self)
        seen |= word
        index &+= 8
    }
    var rest = mask
    while index < count {
        let byte = source.load(fromByteOffset: index, as: UInt8.self) ^ UInt8(truncatingIfNeeded: rest)
        target.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
        seen |= UInt64(byte)
        rest = rest >> 8 | rest << 24
        index &+= 1
    }
    return seen & 0x8080_8080_8080_8080 == 0
}

/// The mask for a payload of which `offset` bytes have been read.
func turnMask(_ mask: UInt32, by offset: Int) -> UInt32 {
    let bits = UInt32(truncatingIfNeeded: offset & 3) * 8
    return bits == 0 ? mask : mask >> bits | mask << (32 - bits)
}

extension ByteBuffer {
    /// Writes the header of a frame of ours: final, not masked.
    mutating func writeWebSocketHeader(kind: WebSocketFrameKind, length: Int) {
        let first = 0x80 | kind.rawValue
        switch length {
        case ...125:
            self.writeInteger(UInt16(first) << 8 | UInt16(truncatingIfNeeded: length))
        case ...0xFFFF:
            self.writeInteger(UInt32(first) << 24 | 126 << 16 | UInt32(truncatingIfNeeded: length))
        default:
            self.writeInteger(UInt16(first) << 8 | 127)
            self.writeInteger(UInt64(length))
        }
    }

    /// Appends `count` bytes from `source` without their mask; returns whether all are ASCII.
    mutating func writeUnmasked(from source: UnsafeRawPointer, count: Int, mask: UInt32) -> Bool {
        var isASCII = true
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { target in
            if count > 0, let base = target.baseAddress {
                isASCII = copyUnmasked(from: source, to: base, count: count, mask: mask)
            }
            return count
        }
        return isASCII
    }

    /// Whether the readable bytes are well-formed UTF-8.
    var isValidUTF8: Bool {
        self.withUnsafeReadableBytes { bytes in
            (try? UTF8Span(validating: bytes.bindMemory(to: UInt8.self).span)) != nil
        }
    }
}
