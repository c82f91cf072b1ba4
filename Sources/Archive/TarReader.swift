// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Reads the files of a tar.gz one after the other, into memory and nowhere else.
package final class TarReader {
    private let input: GzipInput

    /// Reads from an open file.
    package init(descriptor: Int32) throws {
        input = try GzipInput(descriptor: descriptor)
    }

    /// Bytes of the archive that were read so far.
    var consumed: Int { input.consumed }

    /// Reads the next file, of at most `limit` bytes; `nil` at the end, which is checked.
    package func file(limit: Int) throws -> (name: String, bytes: [UInt8])? {
        guard let header = try header() else {
            try expectEnd()
            return nil
        }
        return (header.name, try content(of: header, limit: limit))
    }

    /// Reads the header of the next file; `nil` for the first of the two blocks that end an archive.
    func header() throws -> TarHeader? {
        try TarHeader(block: try input.read(TarHeader.blockBytes))
    }

    /// Reads what follows a header.
    func content(of header: TarHeader, limit: Int) throws -> [UInt8] {
        guard header.size <= limit else { throw ArchiveError.damaged("a member of it is too large") }
        let bytes = try input.read(header.size)
        guard try input.read(header.padding).allSatisfy({ $0 == 0 }) else {
            throw ArchiveError.damaged("it was changed")
        }
        return bytes
    }

    /// Checks that after the first block of the end comes the second one, and then nothing.
    func expectEnd() throws {
        guard try input.read(TarHeader.blockBytes).allSatisfy({ $0 == 0 }) else {
            throw ArchiveError.damaged("something follows its end")
        }
        try input.expectEnd()
    }
}
