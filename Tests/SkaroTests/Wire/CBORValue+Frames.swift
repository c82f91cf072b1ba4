// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR

extension [UInt8] {
    /// The bytes of pairs of hexadecimal digits, which the tests write correctly.
    init(hex: String) {
        let digits = hex.utf8.map { UInt8($0 < 0x3A ? $0 - 0x30 : $0 - 0x57) }
        self = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    var hex: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}

extension CBORValue {
    /// The map with one more pair, or another value for its key.
    func setting(_ key: String, _ value: CBORValue) -> CBORValue {
        .map((removing(key).map ?? []) + [CBORPair(key, value)])
    }

    /// The map without a key.
    func removing(_ key: String) -> CBORValue {
        .map((map ?? []).filter { !$0.key.utf8.elementsEqual(key.utf8) })
    }
}
