// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations
import Web

/// What a request is about: the parts of its path below the API's root, and its query.
struct CallTarget: Sendable {
    /// The root of this version.
    static let root = "/admin/api/v1"
    /// More parameters than any operation has.
    private static let maximumPairs = 32

    let parts: [String]
    let query: [(name: String, value: String)]

    /// Decodes path and query; `nil` for a path that is none of ours.
    ///
    /// - Throws: `Problem` for a query that cannot be read.
    init?(path: String, query: String) throws(Problem) {
        guard path.utf8.starts(with: Self.root.utf8) else { return nil }
        let rest = path.utf8.dropFirst(Self.root.utf8.count)
        guard rest.first == UInt8(ascii: "/") else { return nil }
        var parts: [String] = []
        for part in rest.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard !part.isEmpty, let text = Self.decoded(part, plusIsBlank: false) else { return nil }
            parts.append(text)
        }
        self.parts = parts
        self.query = try Self.pairs(query)
    }

    private static func pairs(_ query: String) throws(Problem) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
            let sides = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(sides[0], plusIsBlank: true),
                let value = sides.count == 2 ? decoded(sides[1], plusIsBlank: true) : "",
                name.utf8.count <= RequestCheck.maximumNameBytes, pairs.count < maximumPairs
            else {
                throw Problem(422, "invalid", "A parameter is invalid", "The query of the address cannot be read.")
            }
            pairs.append((name, value))
        }
        return pairs
    }

    /// A part of an address without its escapes; `nil` when it is not UTF-8 or has a broken escape or U+0000.
    private static func decoded(_ text: some Sequence<UInt8>, plusIsBlank: Bool) -> String? {
        let text = AddressText.decoded(text, plusIsBlank: plusIsBlank)
        return text?.utf8.contains(0) == true ? nil : text
    }
}
