// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CPostgres
import Storage

/// Turns PostgreSQL's binary form of a column into a value.
enum ColumnDecoder {
    /// All rows of a result.
    static func rows(of result: OpaquePointer) throws(StorageError) -> [SQLRow] {
        let rowCount = PQntuples(result)
        let columnCount = PQnfields(result)
        let types = (0..<columnCount).map { PQftype(result, $0) }
        var rows: [SQLRow] = []
        rows.reserveCapacity(Int(rowCount))
        for row in 0..<rowCount {
            var values: SQLRow = []
            values.reserveCapacity(Int(columnCount))
            for column in 0..<columnCount {
                if PQgetisnull(result, row, column) == 1 {
                    values.append(.null)
                } else {
                    let bytes = UnsafeRawBufferPointer(
                        start: PQgetvalue(result, row, column), count: Int(PQgetlength(result, row, column)))
                    values.append(try value(of: bytes, type: types[Int(column)]))
                }
            }
            rows.append(values)
        }
        return rows
    }

    /// One value.
    ///
    /// - Throws: `.readFailed` for a type that no statement of ours selects.
    static func value(of bytes: UnsafeRawBufferPointer, type: Oid) throws(StorageError) -> SQLValue {
        switch type {
        case TypeID.int8: return .int(try integer(bytes, Int64.self))
        case TypeID.int4: return .int(Int64(try integer(bytes, Int32.self)))
        case TypeID.int2: return .int(Int64(try integer(bytes, Int16.self)))
        case TypeID.oid: return .int(Int64(try integer(bytes, UInt32.self)))
        case TypeID.bool: return .int(Int64(try integer(bytes, UInt8.self)))
        case TypeID.bytea: return .bytes([UInt8](bytes))
        case TypeID.text, TypeID.varchar, TypeID.bpchar, TypeID.name, TypeID.char, TypeID.unknown, TypeID.json:
            return .text(String(decoding: bytes, as: UTF8.self))
        case TypeID.numeric: return try numeric(bytes)
        case TypeID.float8: return number(Double(bitPattern: try integer(bytes, UInt64.self)))
        case TypeID.float4: return number(Double(Float(bitPattern: try integer(bytes, UInt32.self))))
        case TypeID.void: return .null
        default: throw malformed("a column of type \(type)")
        }
    }

    private static func malformed(_ what: String) -> StorageError {
        StorageError(
            .readFailed, "The database answered in a form that Parley does not read. Report this as a fault of Parley.",
            cause: what)
    }

    private static func integer<Integer: FixedWidthInteger>(
        _ bytes: UnsafeRawBufferPointer, _ type: Integer.Type
    ) throws(StorageError) -> Integer {
        guard bytes.count == MemoryLayout<Integer>.size else { throw malformed("\(bytes.count) bytes for \(type)") }
        return Integer(bigEndian: bytes.loadUnaligned(as: Integer.self))
    }

    /// Whole numbers stay numbers; `SQLValue` has no other form for the rest than text.
    private static func number(_ value: Double) -> SQLValue {
        Int64(exactly: value).map { .int($0) } ?? .text(value.description)
    }

    /// `numeric`: a count of digits in base 10,000, the weight of the first one, the sign, the scale, the digits.
    private static func numeric(_ bytes: UnsafeRawBufferPointer) throws(StorageError) -> SQLValue {
        guard bytes.count >= 8, bytes.count.isMultiple(of: 2) else {
            throw malformed("a numeric of \(bytes.count) bytes")
        }
        let words = stride(from: 0, to: bytes.count, by: 2).map { offset in
            UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
        }
        let digits = words[4...].map { Int($0) }
        let weight = Int(Int16(bitPattern: words[1]))
        let scale = Int(words[3])
        guard digits.count == Int(words[0]), digits.allSatisfy({ $0 < 10_000 }) else { throw malformed("a numeric") }
        switch words[2] {
        case 0xC000: return .text("NaN")
        case 0xD000: return .text("Infinity")
        case 0xF000: return .text("-Infinity")
        default: break
        }

        func digit(_ index: Int) -> Int { digits.indices.contains(index) ? digits[index] : 0 }
        func padded(_ digit: Int) -> String {
            let text = String(digit)
            return String(repeating: "0", count: 4 - text.count) + text
        }
        var text = weight < 0 ? "0" : String(digit(0))
        if weight > 0 { for index in 1...weight { text += padded(digit(index)) } }
        if scale > 0 {
            var fraction = ""
            var index = weight + 1
            while fraction.utf8.count < scale {
                fraction += padded(digit(index))
                index += 1
            }
            text += "." + fraction.prefix(scale)
        }
        if words[2] == 0x4000 { text = "-" + text }
        return Int64(text).map { .int($0) } ?? .text(text)
    }
}
