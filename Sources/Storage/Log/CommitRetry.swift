// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds

/// The pauses between the attempts at one commit, or at finding out what became of one: they double, until the timeout.
struct CommitRetry {
    /// How long after the first attempt at a commit another one may begin.
    static let timeout: Duration = .seconds(10)
    /// How long after a COMMIT without an answer the log may be asked what became of it.
    static let lookUpTimeout: Duration = .seconds(20)
    /// How many COMMITs of one batch may get no answer before it is given up.
    static let maximumLookUps = 3
    static let shortest: Duration = .milliseconds(10)
    static let longest: Duration = .seconds(1)

    private let clock: any Clock<Duration>
    private let timeout: Duration
    private let elapsed: @Sendable () -> Duration
    private var next = CommitRetry.shortest

    init(_ clock: any Clock<Duration>, timeout: Duration = CommitRetry.timeout) {
        self.clock = clock
        self.timeout = timeout
        elapsed = clock.elapsedTime()
    }

    /// Waits; `false` when the time is over or the task is cancelled.
    mutating func pause() async -> Bool {
        guard elapsed() < timeout else { return false }
        do {
            try await clock.sleep(for: next)
        } catch {
            return false
        }
        next = min(next * 2, Self.longest)
        return true
    }
}
