// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON

/// A JSON value that can be changed, for requests that are put together from options.
indirect enum JSONTree: Equatable {
    case object([Member])
    case array([JSONTree])
    case text(JSONText)
    case integer(Int64)
    case real(Double)
    case bool(Bool)
    case null

    /// A member of an object; their order is kept.
    struct Member: Equatable {
        var name: String
        var value: JSONTree
    }

    init(_ value: JSONValue) {
        switch value.kind {
        case .object:
            self = .object(value.members?.map { Member(name: $0.name.string, value: JSONTree($0.value)) } ?? [])
        case .array: self = .array(value.array?.map { JSONTree($0) } ?? [])
        case .string: self = value.text.map { .text($0) } ?? .null
        case .integer: self = value.int.map { .integer($0) } ?? .null
        case .real: self = value.double.map { .real($0) } ?? .null
        case .bool: self = value.bool.map { .bool($0) } ?? .null
        case .null: self = .null
        }
    }

    func write(to writer: inout JSONWriter) {
        switch self {
        case .object(let members):
            writer.beginObject()
            for member in members {
                writer.key(escaping: member.name)
                member.value.write(to: &writer)
            }
            writer.endObject()
        case .array(let elements):
            writer.beginArray()
            for element in elements { element.write(to: &writer) }
            writer.endArray()
        case .text(let text): writer.string(text)
        case .integer(let number): writer.int(number)
        case .real(let number): writer.double(number)
        case .bool(let value): writer.bool(value)
        case .null: writer.null()
        }
    }

    /// Puts a value at a path, making the objects and lists on the way that are missing.
    ///
    /// A part of digits counts the elements of a list from 0; one after the last adds an element.
    mutating func set(_ path: ArraySlice<String>, to value: JSONTree) throws(JSONPathError) {
        guard let part = path.first else {
            self = value
            return
        }
        let rest = path.dropFirst()
        let index = part.utf8.allSatisfy { 0x30...0x39 ~= $0 } ? Int(part) : nil
        switch self {
        case .array(var elements):
            guard let index, index <= elements.count else { throw .noSuchElement(part, count: elements.count) }
            if index == elements.count { elements.append(.null) }
            try elements[index].set(rest, to: value)
            self = .array(elements)
        case .object(var members):
            guard let place = members.firstIndex(where: { $0.name == part }) else {
                var new = JSONTree.null
                try new.set(rest, to: value)
                self = .object(members + [Member(name: part, value: new)])
                return
            }
            try members[place].value.set(rest, to: value)
            self = .object(members)
        case .null:
            self = index == nil ? .object([]) : .array([])
            try set(path, to: value)
        default:
            throw .notAContainer(part)
        }
    }
}

/// Why a value cannot be put at a path.
enum JSONPathError: Error, Equatable {
    /// The list has fewer elements.
    case noSuchElement(String, count: Int)
    /// What is there is neither an object nor a list.
    case notAContainer(String)

    /// The rest of a sentence that begins with the path.
    var problem: String {
        switch self {
        case .noSuchElement(let part, let count): "has no place '\(part)': the list there has \(count) elements"
        case .notAContainer(let part): "has no place '\(part)': what is there is neither an object nor a list"
        }
    }
}
