// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `user.sessions`: the sessions of an account that are neither revoked nor expired, newest first.
package struct ListSessions: AdminOperation {
    /// What `user.sessions` tells.
    package struct Report: Codable, Sendable {
        /// Whose sessions.
        package var login: String
        /// At most 1000.
        package var sessions: [Session]
    }

    /// One login of one device.
    package struct Session: Codable, Sendable {
        /// Its number, for `user logout --session`.
        package var id: Int64
        /// Such as `mtp`.
        package var `protocol`: String
        /// Where the login came from.
        package var address: String
        /// When it was opened, as RFC 3339 writes it.
        package var created: String
        /// When it was last used.
        package var lastSeen: String
        /// When it ends.
        package var expires: String
        /// Whether it has a connection.
        package var state: State
        /// The name of the server that it is connected to; `nil` unless it is connected.
        @Nullable package var node: String?
    }

    /// Whether a session has a connection.
    package enum State: String, Codable, Sendable, CaseIterable {
        case connected
        case offline
        /// Its server has not been heard of for more than 10 seconds.
        case unknown
    }

    package static let name = "user.sessions"
    package static let summary = "List the sessions of an account that have not ended, newest first."
    package static let access = OperationActor.Scope.read

    /// Whose sessions.
    package var login: String

    package init(login: String) {
        self.login = login
    }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let user = try await context.user(login: login)
        let sessions = try await context.reading { try await $0.sessions(of: user.id) }
        let places = try await context.asking { try await $0.places(of: sessions) }
        return Report(login: user.login, sessions: zip(sessions, places).map(Self.session))
    }

    private static func session(_ record: SessionRecord, at place: SessionPlace) -> Session {
        var session = Session(
            id: record.id.rawValue, protocol: record.protocol, address: record.address, created: record.created.text,
            lastSeen: record.lastSeen.text, expires: record.expires.text, state: .offline, node: nil)
        switch place {
        case .node(let name):
            session.state = .connected
            session.node = name
        case .offline: session.state = .offline
        case .unknown: session.state = .unknown
        }
        return session
    }
}
