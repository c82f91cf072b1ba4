// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Names one connection among all that the process ever had.
///
/// The low 16 bits are the number of its event loop, so that a list of identifiers can be sorted by loop
/// without a table that the loops share.
package struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
    /// The number itself, for logs.
    package let rawValue: UInt64

    /// The identifier with this number; only a number that ``rawValue`` gave names a connection.
    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    init(sequence: UInt64, loopNumber: Int) {
        self.rawValue = sequence << 16 | UInt64(truncatingIfNeeded: loopNumber & 0xFFFF)
    }

    var loopNumber: Int {
        Int(self.rawValue & 0xFFFF)
    }

    /// The number in decimal.
    package var description: String {
        String(self.rawValue)
    }
}
