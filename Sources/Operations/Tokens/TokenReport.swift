// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// What is told of an API token; the token itself is nowhere kept.
package struct TokenReport: Codable, Sendable, Equatable {
    /// Whether it opens anything.
    package enum Status: String, Codable, Sendable, CaseIterable { case valid, expired, revoked }

    /// What it is called.
    package var name: String
    /// For whom it acts.
    package var superuser: String
    /// What it may do.
    package var scope: OperationActor.Scope
    /// Whether it opens anything.
    package var status: Status
    /// When it was made, as RFC 3339 writes it.
    package var created: String
    /// When it ends.
    package var expires: String
    /// When it was used last, to within a quarter of an hour; `nil`: never.
    @Nullable package var lastUsed: String?

    init(_ record: AdminTokenRecord, at time: Timestamp) {
        name = record.name
        superuser = record.administrator
        scope = record.canWrite ? .write : .read
        status = record.revoked != nil ? .revoked : record.isValid(at: time) ? .valid : .expired
        created = record.created.text
        expires = record.expires.text
        lastUsed = record.lastUsed?.text
    }
}
