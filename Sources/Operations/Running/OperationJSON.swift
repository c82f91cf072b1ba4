// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials

extension JSONEncoder {
    /// Writes operations and reports: members are named as in the code, in snake case.
    package static func forOperations(_ formatting: OutputFormatting = []) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return encoder
    }
}

extension JSONDecoder {
    /// Reads what `JSONEncoder.forOperations()` writes.
    package static var forOperations: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }
}
