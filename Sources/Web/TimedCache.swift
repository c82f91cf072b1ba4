// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A value that is loaded when it is asked for, at most once at a time, and kept for a while.
///
/// A flood of callers costs one load per lifetime, however long a load takes, and whether they wait for it or go away.
actor TimedCache<Value: Sendable> {
    private let lifetime: Duration
    private let now: @Sendable () -> Duration
    private let load: @Sendable () async -> Value
    private var entry: (value: Value, end: Duration)?
    private var isLoading = false
    private var generation = 0
    private var waiting: [CheckedContinuation<Value?, Never>] = []

    /// A cache that is empty until its first caller.
    ///
    /// - Parameters:
    ///   - lifetime: How long a value is kept, from when it was loaded.
    ///   - now: The time; only differences matter.
    ///   - load: Makes a value. Callers wait for it, so it should answer within seconds.
    init(
        lifetime: Duration,
        now: @escaping @Sendable () -> Duration,
        load: @escaping @Sendable () async -> Value
    ) {
        self.lifetime = lifetime
        self.now = now
        self.load = load
    }

    /// The value: the one that is kept, or the one of the load under way, or a new one.
    func value() async -> Value {
        while true {
            if let entry, self.now() < entry.end { return entry.value }
            guard self.isLoading else { return await self.loadValue() }
            if let value = await withCheckedContinuation({ self.waiting.append($0) }) { return value }
            // The load was overtaken by `invalidate()`, so its value is not for us.
        }
    }

    /// Forgets the value; one that is being loaded is not kept.
    func invalidate() {
        self.entry = nil
        self.generation += 1
    }

    private func loadValue() async -> Value {
        self.isLoading = true
        let generation = self.generation
        // The caller may be cancelled; the others wait for the same load.
        let value = await Task { [load] in await load() }.value
        let isFit = generation == self.generation
        if isFit { self.entry = (value, self.now() + self.lifetime) }
        self.isLoading = false
        let waiting = self.waiting
        self.waiting = []
        for continuation in waiting { continuation.resume(returning: isFit ? value : nil) }
        return value
    }
}
