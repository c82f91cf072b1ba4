// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why a benchmark has no result, as a sentence for people.
package struct BenchmarkFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    /// The failure with its sentence.
    package init(_ description: String) {
        self.description = description
    }

    /// Ends the program with status 1 and an error on stderr.
    package static func end(with error: any Error) -> Never {
        let text = Array("Error: \(error)\n".utf8)
        _ = write(2, text, text.count)
        exit(1)
    }
}
