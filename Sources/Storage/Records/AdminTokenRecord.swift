// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A token with which an administrator is known without a password.
package struct AdminTokenRecord: Sendable, Equatable {
    package enum Kind: String, Sendable {
        /// Made by name for a program, until it expires or is revoked.
        case api
        /// A login to the admin panel; it also ends with the password.
        case panel
    }

    /// 32 bytes.
    package var hash: [UInt8]
    package var kind: Kind
    package var name: String
    package var administrator: String
    /// Whether it may change anything.
    package var canWrite: Bool
    package var created: Timestamp
    package var expires: Timestamp
    /// To within a quarter of an hour.
    package var lastUsed: Timestamp?
    package var revoked: Timestamp?

    package init(
        hash: [UInt8], kind: Kind, name: String, administrator: String, canWrite: Bool, created: Timestamp,
        expires: Timestamp, lastUsed: Timestamp? = nil, revoked: Timestamp? = nil
    ) {
        self.hash = hash
        self.kind = kind
        self.name = name
        self.administrator = administrator
        self.canWrite = canWrite
        self.created = created
        self.expires = expires
        self.lastUsed = lastUsed
        self.revoked = revoked
    }

    /// Whether it opens anything at `time`.
    package func isValid(at time: Timestamp) -> Bool { revoked == nil && time < expires && !isIdle(at: time) }

    /// A login to the panel ends after half an hour without a request; its last use is known to a quarter of an hour.
    private static let idleMilliseconds: Int64 = 45 * 60_000

    /// A use that is as far in the future was by a clock that was ahead: the login would outlive its time.
    private func isIdle(at time: Timestamp) -> Bool {
        kind == .panel && !(lastUsed ?? created).isRecent(within: Self.idleMilliseconds, at: time)
    }
}
