// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import UnixSignals

/// An orderly end of commands that run until they are stopped.
enum Interruption {
    /// Ctrl-C, SIGTERM and the end of the terminal, which do not end the process by themselves
    /// while the stream is read.
    static func signals() async -> AsyncStream<Void> {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        let reader = Task {
            for await _ in signals { continuation.yield() }
        }
        continuation.onTermination = { _ in
            reader.cancel()
            // What the library installed stays: from here on a question can be left with Ctrl-C again.
            signal(SIGINT, SIG_DFL)
        }
        return stream
    }

    /// Runs `body` until it returns, or is cancelled by an interruption: by one of `earlier`, if they were asked for
    /// before.
    ///
    /// - Throws: What `body` throws; `CancellationError` when it was interrupted, whatever it threw then.
    static func ending<Value: Sendable>(
        by earlier: AsyncStream<Void>? = nil, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let interruptions: AsyncStream<Void>
        if let earlier { interruptions = earlier } else { interruptions = await CommandContext.current.interruptions() }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                for await _ in interruptions { return nil }
                // No interruption will come; wait for the body.
                try await Task.sleep(for: .seconds(1 << 31))
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else {
                group.cancelAll()
                while await group.nextResult() != nil {}
                throw CancellationError()
            }
            return value
        }
    }
}
