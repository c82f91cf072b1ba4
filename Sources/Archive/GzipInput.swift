// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CZlib
import Glibc

/// Reads an open file and decompresses it, a little at a time.
final class GzipInput {
    private static let bufferBytes = 1 << 16
    private static let pieceBytes = 1 << 20

    private let descriptor: Int32
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: bufferBytes)
    private var isAtEnd = false
    /// Bytes of the file that were read so far.
    private(set) var consumed = 0

    init(descriptor: Int32) throws {
        self.descriptor = descriptor
        stream.initialize(to: z_stream())
        guard inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw ArchiveError(.inputOutput, "There is not enough memory to decompress.")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        buffer.deallocate()
    }

    /// Reads exactly so many bytes; memory grows with what comes, not with what was announced.
    ///
    /// - Throws: `ArchiveError` when the file ends before or is no gzip file.
    func read(_ count: Int) throws -> [UInt8] {
        if count <= Self.pieceBytes { return try piece(count) }
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += try piece(min(Self.pieceBytes, count - bytes.count)) }
        return bytes
    }

    private func piece(_ count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { target, filled in
            while filled < count {
                guard let start = target.baseAddress else { return }
                let added = try inflate(into: start + filled, count - filled)
                guard added > 0 else { throw ArchiveError.damaged("it ends too early") }
                filled += added
            }
        }
    }

    /// Checks that the file ends here, with the right check sum.
    func expectEnd() throws {
        var byte: UInt8 = 0
        guard try inflate(into: &byte, 1) == 0 else { throw ArchiveError.damaged("something follows its end") }
        if stream.pointee.avail_in == 0 { try refill() }
        guard stream.pointee.avail_in == 0 else { throw ArchiveError.damaged("something follows its end") }
    }

    /// - Returns: How many bytes there were, at most `count`; 0 at the end.
    private func inflate(into target: UnsafeMutablePointer<UInt8>, _ count: Int) throws -> Int {
        let wanted = UInt32(min(count, 1 << 30))
        stream.pointee.next_out = target
        stream.pointee.avail_out = wanted
        while !isAtEnd, stream.pointee.avail_out == wanted {
            if stream.pointee.avail_in == 0 {
                try refill()
                guard stream.pointee.avail_in > 0 else { throw ArchiveError.damaged("it ends too early") }
            }
            switch CZlib.inflate(stream, Z_NO_FLUSH) {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: isAtEnd = true
            default: throw ArchiveError.damaged("it was changed, or is no archive of Parley")
            }
        }
        return Int(wanted - stream.pointee.avail_out)
    }

    private func refill() throws {
        while true {
            let count = Glibc.read(descriptor, buffer, Self.bufferBytes)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw ArchiveError(.inputOutput, "The archive cannot be read: \(String(cString: strerror(errno))).")
            }
            stream.pointee.next_in = buffer
            stream.pointee.avail_in = UInt32(count)
            consumed += count
            return
        }
    }
}
