// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import Glibc
import NIOCore

/// The file of an event loop of the durable echo: what all its connections got in one tick is appended with one
/// `write` and kept with one `fdatasync`, then all of them are answered.
///
/// The file has its length before, and begins anew when it is full, as a write-ahead log does: so a flush waits for the
/// bytes alone and for nothing that the file system knows of the file.
///
/// Everything is touched on its event loop only. Hence `@unchecked Sendable`.
final class EchoJournal: @unchecked Sendable {
    private static let length = 16 << 20

    let loop: any EventLoop
    private let file: Int32
    private var offset = 0
    private var waiting = ByteBuffer()
    private var contexts: [ChannelHandlerContext] = []

    init(loop: any EventLoop, file path: String) throws(BenchmarkFailure) {
        self.loop = loop
        file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        let zeros = [UInt8](repeating: 0, count: Self.length)
        guard file >= 0, write(file, zeros, zeros.count) == zeros.count, fsync(file) == 0 else {
            throw BenchmarkFailure("'\(path)' cannot be written.")
        }
    }

    /// Adds a frame to those of this tick.
    func append(_ frame: ByteBuffer) {
        waiting.writeImmutableBuffer(frame)
    }

    /// Lets the answers of a connection leave as soon as the frames of this tick are kept.
    func flushWhenKept(_ context: ChannelHandlerContext) {
        if contexts.isEmpty { loop.execute { self.keep() } }
        contexts.append(context)
    }

    /// What a loop is told to execute runs when it has read from every socket that was ready.
    private func keep() {
        if offset + waiting.readableBytes > Self.length { offset = 0 }
        let written = waiting.withUnsafeReadableBytes { pwrite(file, $0.baseAddress, $0.count, offset) }
        guard written == waiting.readableBytes, fdatasync(file) == 0 else {
            BenchmarkFailure.end(with: BenchmarkFailure("The durable echo cannot write."))
        }
        offset += written
        waiting.clear()
        for context in contexts { context.flush() }
        contexts.removeAll(keepingCapacity: true)
    }
}
