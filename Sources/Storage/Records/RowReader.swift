// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The columns of a row, where they lie.
package protocol SQLColumns {
    /// How many there are.
    var count: Int { get }
    /// The value of a column, as a copy.
    func value(at index: Int) -> SQLValue
    /// The integer in a column; `nil` for anything else.
    func integer(at index: Int) -> Int64?
    /// The identifier in a column; `nil` for anything else.
    func identifier(at index: Int) -> Identifier?
}

extension [SQLValue]: SQLColumns {
    package func value(at index: Int) -> SQLValue { self[index] }

    package func integer(at index: Int) -> Int64? {
        if case .int(let value) = self[index] { value } else { nil }
    }

    package func identifier(at index: Int) -> Identifier? {
        if case .bytes(let bytes) = self[index] { Identifier(bytes: bytes) } else { nil }
    }
}

/// Reads the columns of a row from left to right.
package struct RowReader {
    private let columns: any SQLColumns
    private var index = 0

    /// Begins with the first column.
    package init(_ columns: any SQLColumns) {
        self.columns = columns
    }

    private mutating func nextIndex() throws(StorageError) -> Int {
        guard index < columns.count else { throw Self.mismatch("another column") }
        defer { index += 1 }
        return index
    }

    private mutating func next() throws(StorageError) -> SQLValue { columns.value(at: try nextIndex()) }

    private static func mismatch(_ expected: String) -> StorageError {
        StorageError(
            .readFailed, "A row of the database is not of the expected form. Run 'manage db status'.",
            cause: "expected \(expected)")
    }

    mutating func int() throws(StorageError) -> Int64 {
        guard let value = columns.integer(at: try nextIndex()) else { throw Self.mismatch("an integer") }
        return value
    }

    mutating func optionalInt() throws(StorageError) -> Int64? {
        let index = try nextIndex()
        if let value = columns.integer(at: index) { return value }
        guard case .null = columns.value(at: index) else { throw Self.mismatch("an integer or NULL") }
        return nil
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
        guard let identifier = columns.identifier(at: try nextIndex()) else { throw Self.mismatch("16 bytes") }
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
    init(_ value: String?) { self = value.map { .text($0) } ?? .null }
    init(_ value: [UInt8]?) { self = value.map { .bytes($0) } ?? .null }
    init(_ value: Bool) { self = .int(value ? 1 : 0) }
    init(_ value: Identifier) { self = .bytes(value.bytes) }
    init(_ value: UserID) { self = .int(value.rawValue) }
    init(_ value: FlowID) { self = .int(value.rawValue) }
    init(_ value: Position) { self = .int(value.rawValue) }
    init(limit: Int) { self = .int(Int64(max(0, limit))) }
    init(_ value: Timestamp) { self = .int(value.milliseconds) }
}
