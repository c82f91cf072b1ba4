// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import Logging
package import Storage

/// What administrators ask of the domain: nothing is hidden from them, and no right is checked.
extension Chat {
    /// Reads records as they are stored; what the engine says of a failure goes to the log.
    package func records<Value: Sendable>(
        _ read: (Storage) async throws -> Value
    ) async throws(StorageError) -> Value {
        do {
            return try await read(storage)
        } catch {
            // A read that was given up is no failure.
            guard !Task.isCancelled else { throw StorageError(thrown: error) }
            logger.error("The store failed", metadata: ["error": "\(String(reflecting: error))"])
            throw StorageError(thrown: error)
        }
    }

    /// The time that the log would give to an event now.
    package var currentTime: Timestamp { storage.currentTime() }

    /// Whether an account is connected to this server.
    package func isConnected(_ user: UserID) -> Bool { hub.isConnected(user) }

    /// Connections that are logged in, by protocol.
    package var connectionsByProtocol: [String: Int] { hub.connectionsByProtocol }

    /// How many connections are pushed what is new.
    package var subscriberCount: Int { hub.counts.listeners }

    /// Whether the key file opens a key pair that is held for an account.
    package func opens(_ record: BridgeKeyRecord) -> Bool {
        guard let sealer = policy.sealer else { return false }
        let name = HeldKeys.name(record.kind, of: record.uuid)
        return HeldKeys.key(record.pair, named: name, openedBy: sealer) != nil
    }

    /// Whether the key file opens a key pair that belongs to all servers of the store.
    package func opens(_ pair: SealedKeyPair, ofServer name: String) -> Bool {
        guard let sealer = policy.sealer else { return false }
        return HeldKeys.key(pair, named: HeldKeys.name(ofServer: name), openedBy: sealer) != nil
    }
}
