// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The header of one member of a tar file, in the form of POSIX (ustar).
struct TarHeader: Equatable {
    static let blockBytes = 512

    var name: String
    var size: Int

    /// The 512 bytes of the header of a file that only its owner may read.
    func bytes(seconds: Int64) throws(ArchiveError) -> [UInt8] {
        guard name.utf8.count <= 100, size < 1 << 33 else {
            throw ArchiveError(.inputOutput, "'\(name)' is too large for an archive.")
        }
        var block = [UInt8](repeating: 0, count: Self.blockBytes)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        func octal(_ number: Int64, _ digits: Int) -> String {
            let text = String(number, radix: 8)
            return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
        }
        put(name, at: 0)
        put("0000600", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(octal(Int64(size), 11), at: 124)
        put(octal(max(0, min(seconds, 1 << 32)), 11), at: 136)
        put("0", at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        put(octal(Int64(Self.checksum(block)), 6), at: 148)
        block[155] = UInt8(ascii: " ")
        return block
    }

    /// Reads a header; `nil` for a block of zeros, which ends the file.
    init?(block: [UInt8]) throws(ArchiveError) {
        if block.allSatisfy({ $0 == 0 }) { return nil }
        guard block[257..<262].elementsEqual("ustar".utf8),
            Self.octal(block[148..<156]) == Self.checksum(block)
        else { throw .damaged("a header of it is unreadable") }
        // Nothing else than plain files is in an archive: no link, folder or extension of the form.
        guard block[156] == UInt8(ascii: "0"), block[345] == 0, let size = Self.octal(block[124..<136]),
            let name = String(validating: block[..<100].prefix { $0 != 0 }, as: UTF8.self)
        else { throw .damaged("it has a member of another kind") }
        self.name = name
        self.size = size
    }

    init(name: String, size: Int) {
        self.name = name
        self.size = size
    }

    /// How many zeros follow the content.
    var padding: Int { (Self.blockBytes - size % Self.blockBytes) % Self.blockBytes }

    /// The sum of the bytes, with blanks in the place of the sum itself.
    private static func checksum(_ block: [UInt8]) -> Int {
        var sum = 8 * Int(UInt8(ascii: " "))
        for (index, byte) in block.enumerated() where !(148..<156).contains(index) { sum += Int(byte) }
        return sum
    }

    private static func octal(_ bytes: ArraySlice<UInt8>) -> Int? {
        let digits = bytes.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
        guard !digits.isEmpty, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }) else {
            return nil
        }
        return digits.reduce(0) { $0 << 3 | Int($1 - UInt8(ascii: "0")) }
    }
}
