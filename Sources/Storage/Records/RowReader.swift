// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Reads the columns of a row from left to right.
struct RowReader {
    private let row: SQLRow
    private var index = 0

    init(_ row: SQLRow) {
        self.row = row
    }

    private mutating func next() throws(StorageError) -> SQLValue {
        guard index < row.count else { throw Self.mismatch("another column") }
        defer { index += 1 }
        return row[index]
    }

    private static func mismatch(_ expected: String) -> StorageError {
        StorageError(
            .readFailed, "A row of the database is not of the expected form. Run 'manage db status'.",
            cause: "expected \(expected)")
    }

    mutating func int() throws(StorageError) -> Int64 {
        guard case .int(let value) = try next() else { throw Self.mismatch("an integer") }
        return value
    }

    mutating func optionalInt() throws(StorageError) -> Int64? {
        switch try next() {
        case .int(let value): return value
        case .null: return nil
        default: throw Self.mismatch("an integer or NULL")
        }
    }

    mutating func bool() throws(StorageError) -> Bool { try int() != 0 }

    mutating func text() throws(StorageError) -> String {
        guard case .text(let value) = try next() else { throw Self.mismatch("a text") }
        return value
    }

    mutating func optionalText() throws(StorageError) -> String? {
        switch try next() {
        case .text(let value): return value
        case .null: return nil
        default: throw Self.mismatch("a text or NULL")
        }
    }

    mutating func bytes() throws(StorageError) -> [UInt8] {
        guard case .bytes(let value) = try next() else { throw Self.mismatch("bytes") }
        return value
    }

    mutating func optionalBytes() throws(StorageError) -> [UInt8]? {
        switch try next() {
        case .bytes(let value): return value
        case .null: return nil
        default: throw Self.mismatch("bytes or NULL")
        }
    }

    mutating func identifier() throws(StorageError) -> Identifier {
        guard let identifier = Identifier(bytes: try bytes()) else { throw Self.mismatch("16 bytes") }
        return identifier
    }

    mutating func position() throws(StorageError) -> Position { Position(try int()) }
    mutating func time() throws(StorageError) -> Timestamp { Timestamp(milliseconds: try int()) }
    mutating func optionalTime() throws(StorageError) -> Timestamp? {
        try optionalInt().map { Timestamp(milliseconds: $0) }
    }
    mutating func user() throws(StorageError) -> UserID { UserID(try int()) }
    mutating func flow() throws(StorageError) -> FlowID { FlowID(try int()) }
}

extension SQLValue {
    init(_ value: Int64?) { self = value.map { .int($0) } ?? .null }
    init(_ value: [UInt8]?) { self = value.map { .bytes($0) } ?? .null }
    init(_ value: Bool) { self = .int(value ? 1 : 0) }
    init(_ value: Identifier) { self = .bytes(value.bytes) }
    init(_ value: UserID) { self = .int(value.rawValue) }
    init(_ value: FlowID) { self = .int(value.rawValue) }
    init(_ value: Position) { self = .int(value.rawValue) }
    init(limit: Int) { self = .int(Int64(max(0, limit))) }
    init(_ value: Timestamp) { self = .int(value.milliseconds) }
}
