// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A value of a parsed JSON text where it lies, for decoders that look at each value once.
///
/// It counts no references, so neither it nor what it gives may outlive the `JSONValue` whose `withView` it comes from;
/// texts and copies may.
package struct JSONView {
    private let document: Unmanaged<JSONDocument>
    private let nodes: UnsafePointer<JSONNode>
    let index: Int

    init(_ document: JSONDocument, _ index: Int) {
        self.document = Unmanaged.passUnretained(document)
        nodes = document.nodes
        self.index = index
    }

    private init(_ index: Int, beside view: JSONView) {
        document = view.document
        nodes = view.nodes
        self.index = index
    }

    private var node: JSONNode { nodes[index] }

    package var kind: JSONKind {
        switch node.kind {
        case .object: .object
        case .array: .array
        case .plainString, .string: .string
        case .integer: .integer
        case .real: .real
        case .yes, .no: .bool
        case .null: .null
        }
    }

    package var isNull: Bool { node.kind == .null }

    package var bool: Bool? {
        switch node.kind {
        case .yes: true
        case .no: false
        default: nil
        }
    }

    /// An integer, or a real without a fraction.
    package var int: Int64? {
        switch node.kind {
        case .integer: Int64(bitPattern: node.bits)
        case .real: Int64(exactly: Double(bitPattern: node.bits))
        default: nil
        }
    }

    package var double: Double? {
        switch node.kind {
        case .integer: Double(Int64(bitPattern: node.bits))
        case .real: Double(bitPattern: node.bits)
        default: nil
        }
    }

    /// The bytes of a string, in UTF-8.
    package var stringBytes: UnsafeRawBufferPointer? { node.isString ? bytes(of: node) : nil }

    /// A copy of the string.
    package var string: String? { stringBytes.map { String(decoding: $0, as: UTF8.self) } }

    /// The string without a copy; it keeps the whole document alive.
    package var text: JSONText? {
        node.isString ? JSONText(document.takeUnretainedValue(), index) : nil
    }

    /// The elements; `nil` for anything but an array.
    package var array: Elements? { node.kind == .array ? Elements(of: self) : nil }

    /// The members of an object, in the order of the text.
    package var members: Members? { node.kind == .object ? Members(of: self) : nil }

    private func bytes(of node: JSONNode) -> UnsafeRawBufferPointer {
        document._withUnsafeGuaranteedRef { $0.bytes(of: node) }
    }

    /// Walks along the elements of an array.
    package struct Elements: Sequence, IteratorProtocol {
        private let array: JSONView
        private var index: Int

        fileprivate init(of array: JSONView) {
            self.array = array
            index = array.index + 1
        }

        /// How many elements the array has.
        package var count: Int { array.node.count }

        package mutating func next() -> JSONView? {
            guard index < array.node.next else { return nil }
            let element = JSONView(index, beside: array)
            index = Int(element.node.next)
            return element
        }
    }

    /// Walks along the members of an object.
    package struct Members: Sequence, IteratorProtocol {
        private let object: JSONView
        private var index: Int

        fileprivate init(of object: JSONView) {
            self.object = object
            index = object.index + 1
        }

        package mutating func next() -> (name: JSONWord, value: JSONView)? {
            guard index < object.node.next else { return nil }
            let name = JSONWord(bytes: object.bytes(of: object.nodes[index]))
            let member = JSONView(index + 1, beside: object)
            index = Int(member.node.next)
            return (name, member)
        }
    }
}

/// The name of a member, for `switch`; it is as short-lived as the view beside it.
package struct JSONWord {
    let bytes: UnsafeRawBufferPointer

    /// A copy.
    package var string: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether the name is a word: lengths first, then the bytes.
    package static func ~= (word: StaticString, name: JSONWord) -> Bool {
        guard name.bytes.count == word.utf8CodeUnitCount, let start = name.bytes.baseAddress else { return false }
        return memcmp(start, word.utf8Start, name.bytes.count) == 0
    }
}
