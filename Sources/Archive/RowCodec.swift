// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import JSON
package import Storage

/// Rows as lines of JSON: an array of the values in the order of the columns.
///
/// Bytes are hexadecimal digits, or `{"text":…}` when they are a JSON object in UTF-8, as messages are, so that people
/// can read them.
enum RowCodec {
    /// Appends the line of a row.
    static func append(_ row: SQLRow, to bytes: inout [UInt8]) {
        var writer = JSONWriter(capacity: 512)
        writer.beginArray()
        for value in row {
            switch value {
            case .null: writer.null()
            case .int(let number): writer.int(number)
            case .text(let text): writer.string(text)
            case .bytes(let raw): append(raw, to: &writer)
            }
        }
        writer.endArray()
        writer.withBytes { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\n"))
    }

    private static func append(_ raw: [UInt8], to writer: inout JSONWriter) {
        if raw.first == UInt8(ascii: "{"), !raw.contains(0), let text = String(validating: raw, as: UTF8.self) {
            writer.beginObject()
            writer.member("text", text)
            writer.endObject()
            return
        }
        writer.string(capacity: raw.count * 2) { Hexadecimal.write(raw, to: $0) }
    }

    /// Reads the lines of a part.
    static func rows(_ part: [UInt8], types: [SQLType]) throws(ArchiveError) -> [SQLRow] {
        guard part.last == UInt8(ascii: "\n") else { throw .damaged("a line of it is torn") }
        var rows: [SQLRow] = []
        for line in part.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            rows.append(try row(line, types: types))
        }
        return rows
    }

    private static func row(_ line: ArraySlice<UInt8>, types: [SQLType]) throws(ArchiveError) -> SQLRow {
        let parsed = line.withUnsafeBytes { bytes in
            Result { () throws(JSONError) in try JSONValue.parse(bytes, limits: JSONLimits(depth: 3, values: 1024)) }
        }
        guard case .success(let row) = parsed else { throw .damaged("a line of it is unreadable") }
        return try row.withView { (view) throws(ArchiveError) in
            guard var elements = view.array, elements.count == types.count else {
                throw .damaged("a row does not fit its table")
            }
            var values: SQLRow = []
            values.reserveCapacity(types.count)
            for type in types {
                guard let element = elements.next(), let value = value(element, type) else {
                    throw .damaged("a value does not fit its column")
                }
                values.append(value)
            }
            return values
        }
    }

    private static func value(_ view: JSONView, _ type: SQLType) -> SQLValue? {
        if view.isNull { return .null }
        switch type {
        case .int: return view.kind == .integer ? view.int.map { .int($0) } : nil
        case .text: return text(view).map { .text(String(decoding: $0, as: UTF8.self)) }
        case .bytes:
            if let characters = view.stringBytes { return Hexadecimal.bytes(characters).map { .bytes($0) } }
            guard var members = view.members, let (name, value) = members.next(), "text" ~= name, members.next() == nil
            else { return nil }
            return text(value).map { .bytes([UInt8]($0)) }
        }
    }

    /// The engines take no U+0000.
    private static func text(_ view: JSONView) -> UnsafeRawBufferPointer? {
        guard let bytes = view.stringBytes, !bytes.contains(0) else { return nil }
        return bytes
    }
}
