// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
package import CoreMetrics
import Credentials
import Glibc
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
    /// Whether no other process can use the database at the same time.
    private let isOurs: Bool

    /// Opens the store.
    ///
    /// `create` makes an SQLite file that is missing; a database of PostgreSQL must be there. Throws `.unavailable`
    /// when another process holds the SQLite lock or the server of PostgreSQL does not answer, `.notFound`,
    /// `.unusable`.
    ///
    /// With `isReadOnly` it can only be read, and the process that has the SQLite file keeps it. `observer` is told how
    /// long its transactions take.
    package static func open(
        _ settings: Settings, create: Bool, isReadOnly: Bool = false, observer: QueryObserver? = nil, logger: Logger
    ) async throws(StorageError) -> Store {
        let engine: any StorageEngine
        var lock: DatabaseLock?
        switch settings.database.location {
        case .sqliteMemory:
            engine = try SQLiteEngine(.memory, create: true)
        case .sqlite(let path):
            if !isReadOnly { lock = try DatabaseLock(databasePath: path) }
            // No other user of the system is to read messages and hashes; SQLite's other files take the mode of this
            // one.
            if create { Glibc.close(Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)) }
            engine = try SQLiteEngine(
                .file(path), create: create, readers: settings.database.pool,
                busySeconds: settings.database.busySeconds, isReadOnly: isReadOnly)
        case .postgres(let location):
            var configuration = PostgresConfiguration(location)
            configuration.readerConnections = settings.database.pool
            configuration.lockTimeout = settings.database.busyTimeout
            engine = PostgresEngine(configuration, logger: logger)
        }
        var isOurs = true
        if case .postgres = settings.database.location { isOurs = false }
        let storage = Storage(engine: engine, observer: observer, now: { WallClock.now() })
        return Store(storage: storage, lock: lock, isOurs: isOurs)
    }

    /// Closes the store, and lets other processes have it.
    package func close() async {
        await storage.close()
        lock?.release()
    }

    /// Brings an SQLite database up to date, and checks that one of PostgreSQL is.
    ///
    /// Only a command migrates PostgreSQL: other servers may be running on it.
    func prepare(reportingTo manager: ServiceManager?, logger: Logger) async throws(StorageError) {
        guard isOurs else { return try await storage.checkSchema() }
        let status = try await storage.migrationStatus()
        switch status.state {
        case .empty, .old:
            let applied = try await migrate(status.pending, reportingTo: manager)
            logger.info("The database is up to date", metadata: ["migrations": "\(applied.joined(separator: ", "))"])
        case .current, .foreign, .newer, .halfMigrated, .copying: try await storage.checkSchema()
        }
    }

    /// Migrates, which may take long, and tells the service manager how far it is.
    private func migrate(
        _ pending: [String], reportingTo manager: ServiceManager?
    ) async throws(StorageError) -> [String] {
        guard let manager else { return try await storage.migrate() }
        return try await manager.extendingTimeout { () async throws(StorageError) in
            try await storage.migrate { migration in
                let place = pending.firstIndex(of: migration).map { $0 + 1 } ?? pending.count
                manager.tell(status: "Migrating the database: \(place) of \(pending.count) (\(migration))")
            }
        }
    }

    /// Says that a key file is about to be made, though the database holds what was sealed with another one.
    ///
    /// - Throws: `KeyFileError` for a file that cannot be used, `StorageError`.
    func warnOfMissingKeyFile(_ settings: Settings, logger: Logger) async throws {
        let file = SecretKeyFile(path: settings.secrets.keyFile)
        guard settings.needsKeyFile, try file.existingSealer() == nil, try await storage.holdsSealedSecrets() else {
            return
        }
        logger.warning(
            """
            The key file is missing, and the database holds secrets sealed with it: another one is made. Restore the \
            former file, or append its keys to the new one; 'manage doctor' says what cannot be opened
            """, metadata: ["file": "\(file.path)"])
    }

    /// The domain over this store, after the settings.
    ///
    /// The caller runs it and closes it. With `makesKeyFile` a key file that is missing is made; otherwise nothing is
    /// sealed.
    ///
    /// - Throws: `CredentialsError`; `KeyFileError` when the key that seals secrets cannot be had.
    package func makeChat(
        _ settings: Settings, node: NodeIdentity = NodeIdentity(), makesKeyFile: Bool = true,
        mode: ServiceMode = .normal, metrics: any MetricsFactory = NOOPMetricsHandler.instance, logger: Logger
    ) throws -> Chat {
        let hashing = settings.hashing
        let hasher = try PasswordHasher(
            PasswordHasher.Settings(
                algorithm: hashing.algorithm == .argon2id ? .argon2id : .blake2b,
                memoryBytes: hashing.argon2MemoryBytes, iterations: hashing.argon2Iterations,
                digestBytes: hashing.passwordBytes))
        var policy = ChatPolicy(settings, servedAs: settings)
        policy.presence.isEnabled = settings.presence.isEnabled
        policy.presence.merge = settings.presence.mergeTime
        policy.presence.changesPerMinute = settings.presence.perMinute
        policy.sharesStore = !isOurs
        policy.node = node
        policy.mode = mode
        if settings.needsKeyFile {
            var random = SecureRandom()
            let file = SecretKeyFile(path: settings.secrets.keyFile)
            policy.sealer = makesKeyFile ? try file.sealer(using: &random) : try? file.existingSealer()
        }
        return Chat(storage: storage, hasher: hasher, policy: policy, metrics: metrics, logger: logger)
    }
}

extension ChatPolicy {
    /// What may change while a server runs.
    ///
    /// Whether strangers may register depends on the addresses at which it is served already, those of `running`.
    init(_ settings: Settings, servedAs running: Settings) {
        self.init(tokenLifetimeSeconds: settings.tokenTTL.components.seconds, tokenBytes: settings.hashing.authIDBytes)
        var served = running
        served.registrationMode = settings.registrationMode
        served.server.trustedProxies = settings.server.trustedProxies
        switch served.effectiveRegistrationMode {
        case .open: registration = .open
        case .invite: registration = .invite
        case .closed: registration = .closed
        }
        backlog = settings.limits.backlog
        rates = RateLimits(settings.rateLimit)
        let kept = settings.retention
        for (kind, age) in [(FlowRecord.Kind.chat, kept.chat), (.group, kept.group), (.channel, kept.channel)] {
            retention[kind] = age
        }
    }
}

extension RateLimits {
    /// What `[RATE_LIMIT]` says.
    init(_ settings: Settings.RateLimit) {
        self.init()
        guard settings.isEnabled else { return }
        account.write = settings.writes
        account.read = settings.reads
        account.login = settings.logins
        account.profileChange = settings.profileChanges
        address.write = settings.addressWrites
        address.read = settings.addressReads
        address.registration = settings.addressRegistrations
        address.login = settings.addressLogins
        address.profileChange = settings.addressProfileChanges
        flows = settings.flows
        publicFlows = settings.publicFlows
        bytes = settings.bytes
    }
}
