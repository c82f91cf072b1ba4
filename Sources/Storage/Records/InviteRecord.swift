// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// An invite with which accounts can be made; only the hash of its code is kept.
package struct InviteRecord: Sendable, Equatable {
    /// 32 bytes.
    package var codeHash: [UInt8]
    package var created: Timestamp
    /// `nil`: never.
    package var expires: Timestamp?
    package var usesLeft: Int64
    package var used: Int64
    package var revoked: Timestamp?
    /// For the operator.
    package var note: String

    /// Whether an account can be made with it at `time`.
    package func isValid(at time: Timestamp) -> Bool {
        revoked == nil && usesLeft > 0 && expires.map { time < $0 } ?? true
    }
}
