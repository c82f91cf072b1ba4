// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The fields of a form or of an address: `application/x-www-form-urlencoded`.
///
/// Names and values are from outside: names are compared by their bytes, and both are bounded by what is read.
struct FormFields: Sendable {
    /// The most fields that are taken.
    static let maximumFields = 100

    private var fields: [(name: String, value: String)] = []

    /// No fields.
    init() {}

    /// Reads fields; `nil` for what is broken, is not UTF-8, or has too many.
    init?(_ bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty else { return }
        let parts = bytes.split(
            separator: UInt8(ascii: "&"), maxSplits: Self.maximumFields, omittingEmptySubsequences: true)
        guard parts.count <= Self.maximumFields else { return nil }
        for part in parts {
            let sides = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = AddressText.decoded(sides[0], plusIsBlank: true),
                let value = sides.count > 1 ? AddressText.decoded(sides[1], plusIsBlank: true) : ""
            else { return nil }
            fields.append((name, value))
        }
    }

    /// The value of a field; `nil` when there is none, the first of several.
    subscript(name: String) -> String? {
        fields.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// The value of a field; empty when there is none.
    func text(_ name: String) -> String { self[name] ?? "" }

    /// Whether a box was ticked.
    func isOn(_ name: String) -> Bool { self[name] != nil }

    /// The value of a field that is a whole number of at most 18 digits.
    func number(_ name: String) -> Int64? {
        guard let text = self[name]?.utf8, (1...18).contains(text.count) else { return nil }
        return text.reduce(Int64?.some(0)) { sum, digit in
            guard let sum, (0x30...0x39).contains(digit) else { return nil }
            return sum * 10 + Int64(digit - 0x30)
        }
    }
}
