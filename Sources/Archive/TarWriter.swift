// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// Writes files into a tar.gz, one after the other.
package struct TarWriter {
    private let output: GzipOutput
    private let seconds: Int64
    /// Bytes of the archive so far.
    package var written: Int { output.written }

    /// Writes to an open file; `time` is what the files say about when they were written.
    package init(descriptor: Int32, time: Timestamp) throws {
        output = try GzipOutput(descriptor: descriptor)
        seconds = time.milliseconds / 1000
    }

    /// Writes a file; its name has at most 100 bytes.
    package func file(_ name: String, _ bytes: [UInt8]) throws {
        guard bytes.count <= ArchiveForm.maximumMemberBytes else {
            throw ArchiveError(.inputOutput, "'\(name)' is too large for an archive.")
        }
        let header = TarHeader(name: name, size: bytes.count)
        try output.write(try header.bytes(seconds: seconds))
        try output.write(bytes)
        try output.write([UInt8](repeating: 0, count: header.padding))
    }

    /// Writes the end.
    package func finish() throws {
        try output.write([UInt8](repeating: 0, count: 2 * TarHeader.blockBytes))
        try output.finish()
    }
}
