// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// What a server does for people, from its start to its end; what administrators do always works.
package enum ServiceMode: String, Codable, Sendable, CaseIterable {
    case normal
    /// People read and log in, and change nothing.
    case readOnly = "read-only"
    /// Clients are not served.
    case maintenance
}

extension Chat {
    /// Refuses a change by people while they may only read; what the operator changes names no protocol.
    ///
    /// Sessions begin and end all the same: no account reads without one.
    ///
    /// - Throws: `.readOnly`.
    func checkIsTaken(_ write: some LogWrite, over protocol: String?) throws(ChatError) {
        guard mode != .normal, !(write is Write.OpenSession), !(write is Write.RevokeSessions) else { return }
        try checkTakesWrites(over: `protocol`)
    }

    /// The same for what is done ahead of a write: storing an attachment, hashing a password.
    func checkTakesWrites(over protocol: String?) throws(ChatError) {
        guard mode == .normal || `protocol` == nil else { throw .readOnly }
    }
}
