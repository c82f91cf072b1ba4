// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Bounds how long a caller waits.
enum TimeLimit {
    /// What `body` gives, or `nil` when it takes longer; it goes on then, without being waited for.
    static func result<Value: Sendable>(
        within timeout: Duration, _ body: @escaping @Sendable () async -> Value
    ) async -> Value? {
        let (results, continuation) = AsyncStream.makeStream(of: Value?.self, bufferingPolicy: .bufferingOldest(1))
        let work = Task { continuation.yield(await body()) }
        let limit = Task {
            try await Task.sleep(for: timeout)
            continuation.yield(nil)
        }
        defer {
            work.cancel()
            limit.cancel()
            continuation.finish()
        }
        for await result in results { return result }
        return nil
    }
}
