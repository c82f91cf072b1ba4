// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON

// COMPAT: the published server read members of another type where their value was clear, and old clients rely on it.
extension JSONView {
    /// Longer strings are no number and no truth value.
    private static let maximumWordBytes = 32

    /// A number as a text: `1.0` stays `1.0`.
    var numberText: String? {
        switch kind {
        case .integer: int.map { String($0) }
        case .real: double.map { "\($0)" }
        case .object, .array, .string, .bool, .null: nil
        }
    }

    /// A whole number in a string, perhaps with a sign and blanks around it; or a number without its fraction.
    var wholeNumber: Int64? {
        switch kind {
        case .real: double.flatMap { Int64(exactly: $0.rounded(.towardZero)) }
        case .string: word.flatMap { Int64($0) }
        case .object, .array, .integer, .bool, .null: nil
        }
    }

    /// `0` or `1`, or a word that means no or yes, in any case.
    var truthValue: Bool? {
        switch kind {
        case .integer, .real: int.flatMap { $0 == 0 ? false : $0 == 1 ? true : nil }
        case .string:
            switch word?.lowercased() {
            case "0", "off", "f", "false", "n", "no": false
            case "1", "on", "t", "true", "y", "yes": true
            default: nil
            }
        case .object, .array, .bool, .null: nil
        }
    }

    /// A short ASCII string without the blanks around it.
    private var word: String? {
        guard var rest = stringBytes?[...], rest.count <= Self.maximumWordBytes, rest.allSatisfy({ $0 < 0x80 })
        else { return nil }
        while let first = rest.first, first <= 0x20 { rest.removeFirst() }
        while let last = rest.last, last <= 0x20 { rest.removeLast() }
        return String(decoding: rest, as: UTF8.self)
    }
}
