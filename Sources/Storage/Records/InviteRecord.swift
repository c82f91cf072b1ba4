// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// An invite with which accounts can be made; only the hash of its code is kept.
package struct InviteRecord: Sendable, Equatable {
    /// 32 bytes.
    package var codeHash: [UInt8]
    package var created: LogTime
    /// `nil`: never.
    package var expires: LogTime?
    package var usesLeft: Int64
    package var used: Int64
    package var revoked: LogTime?
    /// For the operator.
    package var note: String

    /// Whether an account can be made with it at `time`.
    package func isValid(at time: LogTime) -> Bool {
        revoked == nil && usesLeft > 0 && expires.map { time < $0 } ?? true
    }
}
