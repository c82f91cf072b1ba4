// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Bounds
package import Storage

/// What the domain needs to know of a flow to decide who may do what.
package struct FlowAccess: Sendable, Equatable {
    package var id: FlowID
    package var uuid: Identifier
    package var kind: FlowRecord.Kind
    package var owner: UserID
    package var isPublic: Bool
    package var title: String
    /// The server opened encrypted messages of it for others: it is not end-to-end.
    package var isBridged: Bool
    /// The members of a private flow.
    package var members: Set<UserID>

    /// Whether the account sees the flow and its messages.
    package func isVisible(to user: UserID) -> Bool {
        isPublic || members.contains(user)
    }

    /// Whether the account may write messages, given that it sees the flow.
    package func mayWrite(_ user: UserID) -> Bool {
        kind != .channel || owner == user
    }
}

/// Who asks: an account with one of its sessions.
package struct Principal: Sendable, Hashable {
    package var user: UserID
    package var uuid: Identifier
    package var session: SessionID
    package var expires: Timestamp
    /// Where the request comes from; `nil` for what is no person's doing.
    package var network: IPAddress?
    /// The name of the protocol by which it comes.
    package var `protocol`: String?
    /// Whether a token said who it is, and not a login.
    package var isResumed = false

    /// Who asks is the same wherever the request comes from.
    package static func == (left: Principal, right: Principal) -> Bool {
        left.user == right.user && left.uuid == right.uuid && left.session == right.session
            && left.expires == right.expires
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(session)
    }
}
