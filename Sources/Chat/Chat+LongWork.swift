// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Chat {
    /// From how many bytes on decoding, encoding and hashing take about a millisecond.
    package static let longWorkBytes = 128 << 10

    /// Runs what takes a millisecond or more on the threads of the process instead of an event loop, a little at a
    /// time.
    package func offLoop<Value: Sendable>(_ body: @Sendable () -> Value) async -> Value {
        await longWork.offLoop(body)
    }

    /// The same inside a page of `pages`, whose place it has already: news do not wait for long work of others.
    package static func offLoopInPage<Value: Sendable>(_ body: @Sendable () -> Value) async -> Value {
        await withTaskExecutorPreference(globalConcurrentExecutor) { body() }
    }
}

extension PageGate {
    /// Runs something on the threads of the process when there is a place for it.
    ///
    /// A task, and an actor that it calls, would otherwise work on the loop that the task prefers.
    func offLoop<Value: Sendable>(_ body: @Sendable () -> Value) async -> Value {
        await work { await withTaskExecutorPreference(globalConcurrentExecutor) { body() } }
    }
}
