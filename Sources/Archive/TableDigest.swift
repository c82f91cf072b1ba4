// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
package import Storage

/// The rows of a table in one number, the same on both engines.
package struct TableDigest: Sendable, Equatable {
    package private(set) var rows: Int
    /// SHA-256 of all values in the order of the key.
    package private(set) var sha256: [UInt8]

    /// Reads a whole table.
    ///
    /// `change` says what is made of a row before it counts; `nil` leaves it out. `progress` is called with the rows so
    /// far; what it throws ends the reading.
    init(
        of table: StoredTable, from reader: TableReader, change: (SQLRow) -> SQLRow? = { $0 },
        progress: (Int) throws -> Void = { _ in }
    ) throws {
        var hash = SHA256Stream()
        var count = 0
        try reader.forEachPage(of: table) { page in
            var bytes: [UInt8] = []
            for row in page.compactMap(change) {
                for value in row { Self.append(value, to: &bytes) }
                count += 1
            }
            hash.update(bytes)
            try progress(count)
        }
        rows = count
        sha256 = hash.digest()
    }

    /// A letter for the type, the length, and the value.
    private static func append(_ value: SQLValue, to bytes: inout [UInt8]) {
        func append(_ letter: Character, _ content: some Collection<UInt8>) {
            bytes.append(letter.asciiValue ?? 0)
            withUnsafeBytes(of: UInt64(content.count).bigEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: content)
        }
        switch value {
        case .null: append("n", [])
        case .int(let number): append("i", withUnsafeBytes(of: number.bigEndian) { [UInt8]($0) })
        case .text(let text): append("t", text.utf8)
        case .bytes(let raw): append("b", raw)
        }
    }
}
