// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The pauses between the attempts at one commit: they double, and end when patience does.
struct CommitRetry {
    /// How long after the first attempt another one may begin.
    static let patience: Duration = .seconds(10)
    static let shortest: Duration = .milliseconds(10)
    static let longest: Duration = .seconds(1)

    private let clock: any Clock<Duration>
    private let elapsed: @Sendable () -> Duration
    private var next = CommitRetry.shortest

    init(_ clock: any Clock<Duration>) {
        self.clock = clock
        elapsed = Self.elapsedTime(of: clock)
    }

    private static func elapsedTime<C: Clock<Duration>>(of clock: C) -> @Sendable () -> Duration {
        let start = clock.now
        return { start.duration(to: clock.now) }
    }

    /// Waits; `false` when patience is at an end or the task is cancelled.
    mutating func pause() async -> Bool {
        guard elapsed() < Self.patience else { return false }
        do {
            try await clock.sleep(for: next)
        } catch {
            return false
        }
        next = min(next * 2, Self.longest)
        return true
    }
}
