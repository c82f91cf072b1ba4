// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import CPostgres
package import Logging
package import Storage

/// The PostgreSQL engine: one writer connection and a pool of readers, each on a thread of its own.
///
/// No thread of Swift's concurrency ever waits for the server.
///
/// Connections are made when first needed. After a loss the next call reconnects; when that fails, calls are refused at
/// once until a growing pause is over.
package final class PostgresEngine: StorageEngine {
    package let configuration: PostgresConfiguration
    private let readers: SessionPool
    private let writer: PostgresWriter
    private let listener: PostgresSignals

    /// Makes the engine; connects nowhere yet.
    ///
    /// `clock` measures the pauses between attempts to connect and the waiting for a connection; `random` spreads the
    /// attempts of many servers over time.
    package init(
        _ configuration: PostgresConfiguration, logger: Logger, clock: any Clock<Duration> = ContinuousClock(),
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) }
    ) {
        self.configuration = configuration
        let now = clock.elapsedTime()
        func source(_ role: PostgresSession.Role) -> SessionSource {
            var logger = logger
            logger[metadataKey: "postgres.role"] = "\(role)"
            return SessionSource(logger: logger, now: now, random: random) { [logger] () throws(StorageError) in
                try PostgresSession(configuration, role: role, logger: logger)
            }
        }
        readers = SessionPool(
            limits: SessionPool.Limits(
                threads: max(configuration.readerConnections, 1), waiters: configuration.maximumWaiters,
                waitTimeout: configuration.waitTimeout, idleTimeout: configuration.idleTimeout),
            source: source(.reader))
        writer = PostgresWriter(configuration, source: source(.writer))
        listener = PostgresSignals(configuration, logger: logger, random: random)
    }

    deinit {
        readers.beginClosing()
        writer.beginClosing()
        listener.beginClosing()
    }

    package var dialect: SQLDialect { PostgresDialect.dialect }
    package var signals: any LogSignals { listener }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        let id = readers.newID()
        let result: Result<Value, StorageError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                readers.submit(
                    SessionPool.Job(
                        id: id,
                        run: { session in
                            let result = session.read(body)
                            return { continuation.resume(returning: result) }
                        },
                        refuse: { error in continuation.resume(returning: .failure(error)) }))
            }
        } onCancel: {
            readers.withdraw(id)
        }
        return try result.get()
    }

    /// How many reads wait for a session, for tests.
    package var waitingReads: Int { readers.waitingJobs }

    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        try await writer.write(body)
    }

    package var writerExecutor: (any TaskExecutor)? { writer.thread }

    package func facts() async throws(StorageError) -> EngineFacts {
        let rows = try await read { connection in
            try connection.rows(
                """
                SELECT current_setting('server_version'), pg_database_size(current_database()),
                    current_setting('fsync'), current_setting('synchronous_commit'),
                    current_setting('full_page_writes')
                """)
        }
        guard let row = rows.first, row.count == 5, case .text(let version) = row[0], case .int(let size) = row[1],
            case .text(let fsync) = row[2], case .text(let commit) = row[3], case .text(let pages) = row[4]
        else { throw StorageError(.readFailed, "The database did not say what it is. Try again.") }
        return EngineFacts(
            // The distribution's name for its package follows after a space.
            version: "PostgreSQL " + version.prefix { $0 != " " }, location: configuration.location, sizeBytes: size,
            durability: ["fsync": fsync, "synchronous_commit": commit, "full_page_writes": pages])
    }

    package func close() async {
        await readers.close()
        await writer.close()
        await listener.close()
    }
}
