// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CZlib
import Glibc

/// Compresses what is written and writes it to an open file.
final class GzipOutput {
    /// Text shrinks nearly as much as with the default, in half the time.
    private static let level: Int32 = 3
    private static let bufferBytes = 1 << 16

    private let descriptor: Int32
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: bufferBytes)
    /// Bytes of the file so far.
    private(set) var written = 0

    init(descriptor: Int32) throws {
        self.descriptor = descriptor
        stream.initialize(to: z_stream())
        // 31: with the header of gzip.
        let code = deflateInit2_(
            stream, Self.level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw ArchiveError(.inputOutput, "There is not enough memory to compress.") }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        buffer.deallocate()
    }

    func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBufferPointer { try deflate($0, Z_NO_FLUSH) }
    }

    /// Writes what is left, and the check sum.
    func finish() throws {
        try deflate(UnsafeBufferPointer(start: nil, count: 0), Z_FINISH)
    }

    private func deflate(_ bytes: UnsafeBufferPointer<UInt8>, _ flush: Int32) throws {
        var rest = bytes[...]
        repeat {
            // zlib counts with 32 bits.
            let piece = UnsafeBufferPointer(rebasing: rest.prefix(1 << 30))
            rest = rest.dropFirst(piece.count)
            stream.pointee.next_in = UnsafeMutablePointer(mutating: piece.baseAddress)
            stream.pointee.avail_in = UInt32(piece.count)
            repeat {
                stream.pointee.next_out = buffer
                stream.pointee.avail_out = UInt32(Self.bufferBytes)
                let code = CZlib.deflate(stream, flush)
                guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
                    throw ArchiveError(.inputOutput, "The archive cannot be compressed.")
                }
                try send(Self.bufferBytes - Int(stream.pointee.avail_out))
            } while stream.pointee.avail_out == 0
        } while !rest.isEmpty
    }

    private func send(_ count: Int) throws {
        var sent = 0
        while sent < count {
            let result = Glibc.write(descriptor, buffer + sent, count - sent)
            if result < 0, errno == EINTR { continue }
            guard result > 0 else {
                throw ArchiveError(
                    .inputOutput, "The archive cannot be written: \(String(cString: strerror(errno))).")
            }
            sent += result
        }
        written += count
    }
}
