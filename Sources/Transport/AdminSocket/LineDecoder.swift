// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Cuts bytes into lines that end with `\n`, which is left out.
package struct LineDecoder: ByteToMessageDecoder {
    /// Each is a line.
    package typealias InboundOut = ByteBuffer

    /// The longest line of the admin socket, without its end: 16 MiB.
    static let maximumLineBytes = 16 << 20

    private let maximumBytes: Int
    /// How far the unfinished line has been searched.
    private var searchedBytes = 0

    /// A decoder that refuses longer lines.
    package init(maximumBytes: Int = 16 << 20) {
        self.maximumBytes = maximumBytes
    }

    /// Cuts off the next line.
    package mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        let view = buffer.readableBytesView.dropFirst(self.searchedBytes)
        guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else {
            self.searchedBytes = buffer.readableBytes
            guard self.searchedBytes <= self.maximumBytes else { throw self.tooLong }
            return .needMoreData
        }
        self.searchedBytes = 0
        let length = end - buffer.readerIndex
        guard length <= self.maximumBytes, let line = buffer.readSlice(length: length) else { throw self.tooLong }
        buffer.moveReaderIndex(forwardBy: 1)
        context.fireChannelRead(Self.wrapInboundOut(line))
        return .continue
    }

    /// Drops what has no end.
    package mutating func decodeLast(
        context: ChannelHandlerContext,
        buffer: inout ByteBuffer,
        seenEOF: Bool
    ) throws -> DecodingState {
        while try self.decode(context: context, buffer: &buffer) == .continue {}
        // What has no end is half a line of a peer that went away.
        buffer.moveReaderIndex(forwardBy: buffer.readableBytes)
        return .needMoreData
    }

    private var tooLong: AdminSocketError {
        AdminSocketError(.lineTooLong, "A line on the admin socket is longer than \(self.maximumBytes) bytes.")
    }
}

extension ByteBuffer {
    /// A line to send.
    ///
    /// JSON needs no line feed, and as a space one means the same.
    init(adminLine line: [UInt8]) {
        self = ByteBufferAllocator().buffer(capacity: line.count + 1)
        self.writeBytes(line.lazy.map { $0 == UInt8(ascii: "\n") ? UInt8(ascii: " ") : $0 })
        self.writeInteger(UInt8(ascii: "\n"))
    }
}
