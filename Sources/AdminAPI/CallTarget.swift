// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations

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
        var bytes: [UInt8] = []
        var iterator = text.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsBlank: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// A text as it may stand in an address.
    static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result += byte < 16 ? "%0" : "%"
                result += String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}
