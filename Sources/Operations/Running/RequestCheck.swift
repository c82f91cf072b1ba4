// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON

/// Bounds on a request of the admin socket, checked before it is decoded.
///
/// Foundation keeps the members of an object by their names as `String`, whose hash takes the square of a run of
/// combining marks, and parameters that are words are compared so: what is not ASCII is short.
package enum RequestCheck {
    /// The longest name of a member, and of an operation.
    package static let maximumNameBytes = 64
    private static let maximumTextBytes = 64 << 10

    /// Whether a request is JSON within the bounds.
    package static func accepts(_ request: [UInt8]) -> Bool {
        guard let value = try? JSONValue.parse(request) else { return false }
        return accepts(value)
    }

    /// As deep as `JSONLimits` let a text be.
    private static func accepts(_ value: JSONValue) -> Bool {
        if let members = value.members {
            return members.allSatisfy { $0.name.utf8Count <= maximumNameBytes && accepts($0.value) }
        }
        if let elements = value.array { return elements.allSatisfy { accepts($0) } }
        return value.withStringBytes { text in
            text.count <= maximumTextBytes || text.allSatisfy { $0 < 0x80 }
        } ?? true
    }
}
