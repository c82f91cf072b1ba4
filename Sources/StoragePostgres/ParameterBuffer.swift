// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CPostgres
import Storage

/// Type numbers of PostgreSQL's catalogue, which never change.
enum TypeID {
    static let bool: Oid = 16
    static let bytea: Oid = 17
    static let char: Oid = 18
    static let name: Oid = 19
    static let int8: Oid = 20
    static let int2: Oid = 21
    static let int4: Oid = 23
    static let text: Oid = 25
    static let oid: Oid = 26
    static let json: Oid = 114
    static let float4: Oid = 700
    static let float8: Oid = 701
    static let unknown: Oid = 705
    static let byteaArray: Oid = 1001
    static let textArray: Oid = 1009
    static let int8Array: Oid = 1016
    static let bpchar: Oid = 1042
    static let varchar: Oid = 1043
    static let numeric: Oid = 1700
    static let void: Oid = 2278
}

/// The parameters of one statement in PostgreSQL's binary form, in one buffer.
struct ParameterBuffer {
    /// The protocol counts parameters in 16 bits.
    static let maximumCount = 65_535
    /// The server refuses values of one gigabyte.
    static let maximumValueBytes = 1_000_000_000

    private(set) var types: [Oid] = []
    /// Never empty, so that a value without bytes still has an address and is not taken for NULL.
    private var bytes: [UInt8] = [0]
    /// A negative length is NULL.
    private var spans: [(offset: Int, length: Int)] = []

    init() {}

    init(_ values: [SQLValue]) throws(StorageError) {
        guard values.count <= Self.maximumCount else { throw Self.tooLarge }
        types.reserveCapacity(values.count)
        spans.reserveCapacity(values.count)
        for value in values { try append(value) }
    }

    private static var tooLarge: StorageError {
        StorageError(.writeFailed, "A value is larger than the database can hold. Make it smaller.")
    }

    private mutating func append(_ value: SQLValue) throws(StorageError) {
        let offset = bytes.count
        switch value {
        case .null:
            // Type 0: the server infers it.
            types.append(0)
            spans.append((0, -1))
            return
        case .int(let number):
            types.append(TypeID.int8)
            bytes.append(bigEndian: number)
        case .text(let text):
            types.append(TypeID.text)
            bytes.append(contentsOf: text.utf8)
        case .bytes(let raw):
            types.append(TypeID.bytea)
            bytes.append(contentsOf: raw)
        }
        let length = bytes.count - offset
        guard length <= Self.maximumValueBytes else { throw Self.tooLarge }
        spans.append((offset, length))
    }

    /// Appends column `index` of `rows` as one array parameter.
    mutating func appendColumn(_ index: Int, of rows: ArraySlice<SQLRow>, type: SQLType) throws(StorageError) {
        let offset = bytes.count
        let element: Oid
        switch type {
        case .int: (element, types) = (TypeID.int8, types + [TypeID.int8Array])
        case .text: (element, types) = (TypeID.text, types + [TypeID.textArray])
        case .bytes: (element, types) = (TypeID.bytea, types + [TypeID.byteaArray])
        }
        // One dimension, a flag for NULLs, the element type, the length, and the lower bound 1.
        bytes.append(bigEndian: Int32(1))
        let flag = bytes.count + 3
        bytes.append(bigEndian: Int32(0))
        bytes.append(bigEndian: Int32(bitPattern: element))
        bytes.append(bigEndian: Int32(rows.count))
        bytes.append(bigEndian: Int32(1))
        for row in rows {
            switch (row[index], type) {
            case (.null, _):
                bytes[flag] = 1
                bytes.append(bigEndian: Int32(-1))
            case (.int(let number), .int):
                bytes.append(bigEndian: Int32(8))
                bytes.append(bigEndian: number)
            case (.text(let text), .text):
                bytes.append(bigEndian: try Self.length(text.utf8.count))
                bytes.append(contentsOf: text.utf8)
            case (.bytes(let raw), .bytes):
                bytes.append(bigEndian: try Self.length(raw.count))
                bytes.append(contentsOf: raw)
            default:
                throw StorageError(
                    .writeFailed, "A row to insert is not of its table's form. Report this as a fault of Parley.",
                    cause: "column \(index) is not of type \(type)")
            }
        }
        let length = bytes.count - offset
        guard length <= Self.maximumValueBytes else { throw Self.tooLarge }
        spans.append((offset, length))
    }

    private static func length(_ count: Int) throws(StorageError) -> Int32 {
        guard count <= maximumValueBytes else { throw tooLarge }
        return Int32(count)
    }

    /// Calls `body` with what libpq's send functions take: count, values, lengths and formats (all binary).
    func withPointers<Result>(
        _ body: (
            Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
        ) -> Result
    ) -> Result {
        bytes.withUnsafeBytes { buffer in
            let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values = spans.map { span in span.length < 0 ? nil : base.map { UnsafePointer($0 + span.offset) } }
            let lengths = spans.map { Int32(max($0.length, 0)) }
            let formats = [Int32](repeating: 1, count: spans.count)
            return body(Int32(spans.count), values, lengths, formats)
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}
