// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
package import Storage

/// The uuid of an account, flow or message as it stands in a frame.
///
/// A decimal number of 128 bits is kept as that number, without a text; any other text names nothing here, and is kept
/// as it came.
package struct MTPIdentifier: Hashable, Sendable {
    private enum Form: Hashable {
        case number(Identifier)
        case text(JSONText)
    }

    private let form: Form

    package init(_ identifier: Identifier) {
        form = .number(identifier)
    }

    package init(_ text: String) {
        form = Identifier(decimal: text).map { .number($0) } ?? .text(JSONText(text))
    }

    init(_ text: JSONText) {
        form = text.withUTF8 { Identifier(decimal: $0) }.map { .number($0) } ?? .text(text)
    }

    /// What it names; `nil` for a text that can name nothing.
    package var identifier: Identifier? {
        switch form {
        case .number(let identifier): identifier
        case .text: nil
        }
    }

    func write(to writer: inout JSONWriter) {
        switch form {
        case .number(let identifier):
            writer.string(capacity: Identifier.maximumDigits) { identifier.writeDecimal(to: $0) }
        case .text(let text): writer.string(text)
        }
    }
}

extension MTPIdentifier: ExpressibleByStringLiteral, CustomStringConvertible {
    package init(stringLiteral value: String) {
        self.init(value)
    }

    /// The text that clients send and get.
    package var description: String {
        switch form {
        case .number(let identifier): identifier.description
        case .text(let text): text.string
        }
    }
}

extension JSONWriter {
    /// A member, if it has a value.
    mutating func member(_ name: StaticString, _ value: MTPIdentifier?) {
        guard let value else { return }
        key(name)
        value.write(to: &self)
    }
}
