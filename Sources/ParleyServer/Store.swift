// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
package import Credentials
package import Logging
package import Settings
package import Storage
import StoragePostgres
package import StorageSQLite

/// The store that the settings name, opened for this process alone (SQLite) or beside others (PostgreSQL).
package struct Store: Sendable {
    package let storage: Storage
    /// SQLite only: held as long as the store is open.
    package let lock: DatabaseLock?

    /// Opens the store.
    ///
    /// - Parameter create: Make an SQLite file that is missing. A database of PostgreSQL must be there.
    /// - Throws: `.unavailable` when another process holds the SQLite lock or the server of PostgreSQL does not answer,
    ///   `.notFound`, `.unusable`.
    package static func open(_ settings: Settings, create: Bool, logger: Logger) async throws(StorageError) -> Store {
        let engine: any StorageEngine
        var lock: DatabaseLock?
        switch settings.database.location {
        case .sqliteMemory:
            engine = try SQLiteEngine(.memory, create: true)
        case .sqlite(let path):
            lock = try DatabaseLock(databasePath: path)
            engine = try SQLiteEngine(
                .file(path), create: create, readers: settings.database.pool,
                busySeconds: Double(settings.database.busyTimeout.components.seconds))
        case .postgres(let location):
            var configuration = PostgresConfiguration(
                host: location.host, port: location.port, database: location.name, user: location.user,
                password: location.password,
                parameters: Dictionary(
                    location.parameters.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last }))
            configuration.readerConnections = settings.database.pool
            configuration.lockTimeout = settings.database.busyTimeout
            engine = PostgresEngine(configuration, logger: logger)
        }
        return Store(storage: Storage(engine: engine, now: { WallClock.now() }), lock: lock)
    }

    /// The domain over this store, after the settings. The caller runs it and closes it.
    package func makeChat(_ settings: Settings, logger: Logger) throws(CredentialsError) -> Chat {
        let hashing = settings.hashing
        let hasher = try PasswordHasher(
            PasswordHasher.Settings(
                algorithm: hashing.algorithm == .argon2id ? .argon2id : .blake2b,
                memoryBytes: hashing.argon2MemoryBytes, iterations: hashing.argon2Iterations,
                digestBytes: hashing.passwordBytes))
        return Chat(
            storage: storage, hasher: hasher,
            policy: ChatPolicy(
                isRegistrationOpen: settings.effectiveRegistrationMode == .open,
                tokenLifetimeSeconds: settings.tokenTTL.components.seconds, tokenBytes: settings.hashing.authIDBytes),
            logger: logger)
    }
}
