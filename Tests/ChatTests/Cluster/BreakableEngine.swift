// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import Synchronization

/// An engine that is out of reach whenever a test says so.
final class BreakableEngine: StorageEngine {
    private let engine: any StorageEngine
    private let broken = Mutex(false)

    init(_ engine: any StorageEngine) {
        self.engine = engine
    }

    var isBroken: Bool {
        get { broken.withLock { $0 } }
        set { broken.withLock { $0 = newValue } }
    }

    var dialect: SQLDialect { engine.dialect }
    var signals: any LogSignals { engine.signals }
    var writerExecutor: (any TaskExecutor)? { engine.writerExecutor }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        try check()
        return try await engine.read(body)
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        try check()
        return try await engine.write(body)
    }

    func facts() async throws(StorageError) -> EngineFacts { try await engine.facts() }
    func close() async { await engine.close() }

    private func check() throws(StorageError) {
        if isBroken { throw StorageError(.unavailable, "The store is out of reach.") }
    }
}
