// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Why a benchmark has no result, as a sentence for people.
package struct BenchmarkFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    /// The failure with its sentence.
    package init(_ description: String) {
        self.description = description
    }
}
