// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1

/// What is not ASCII is taken out of a request before anything looks at it.
///
/// Comparing, splitting and searching a `String` takes the square of a run of combining marks; of ASCII it does not. An
/// address is ASCII by RFC 3986 §2, and no header field that means something here is anything else.
extension HTTPRequestHead {
    /// Whether the address is ASCII.
    var hasASCIIAddress: Bool { uri.utf8.allSatisfy { $0 < 0x80 } }

    /// Drops the header fields whose values are not ASCII.
    mutating func keepASCIIFields() {
        func isASCII(_ field: (name: String, value: String)) -> Bool { field.value.utf8.allSatisfy { $0 < 0x80 } }
        guard !headers.allSatisfy(isASCII) else { return }
        headers = HTTPHeaders(headers.filter(isASCII))
    }
}
