// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import Synchronization

/// Which connection serves each session now: at most one.
final class SkaroSessions: Sendable {
    private let connections = Mutex<[SessionID: SkaroSession]>([:])

    /// Gives a session to a connection.
    ///
    /// - Parameters:
    ///   - session: Which one.
    ///   - connection: What serves it from now on.
    /// - Returns: The connection that served it until now, which is to be closed.
    func give(_ session: SessionID, to connection: SkaroSession) -> SkaroSession? {
        let previous = connections.withLock { $0.updateValue(connection, forKey: session) }
        return previous === connection ? nil : previous
    }

    /// Takes a session from a connection that has ended; nothing happens if another one has it now.
    func take(_ session: SessionID, from connection: SkaroSession) {
        connections.withLock { connections in
            if connections[session] === connection { connections[session] = nil }
        }
    }
}
