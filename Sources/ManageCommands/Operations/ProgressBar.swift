// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Operations
import Synchronization

/// Shows on a terminal how far a long operation is, and how fast; elsewhere nothing.
final class ProgressBar: Sendable {
    private struct State {
        var phase = ""
        var began: ContinuousClock.Instant?
        var isShown = false
    }

    private static let width = 24

    private let output: TextOutput
    private let isVisible: Bool
    private let instant: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    init(context: CommandContext, isQuiet: Bool) {
        output = context.standardError
        isVisible = context.standardError.isTerminal && !isQuiet
        instant = context.instant
    }

    func show(_ step: OperationProgress) {
        guard isVisible, step.total > 0 else { return }
        let now = instant()
        let (began, needsLine) = state.withLock { state in
            let isNew = state.phase != step.phase
            let needsLine = isNew && state.isShown
            if isNew { state = State(phase: step.phase, began: now) }
            state.isShown = true
            return (state.began ?? now, needsLine)
        }
        let full = min(Self.width, step.done * Self.width / step.total)
        let bar = String(repeating: "#", count: full) + String(repeating: ".", count: Self.width - full)
        let rate = Self.rate(step.done, in: began.duration(to: now)).map { ", \($0) per second" } ?? ""
        let line = "[\(bar)] \(step.done) of \(step.total) \(step.phase.escapedForTerminal(lineBreaks: false))\(rate)"
        write("\(needsLine ? "\n" : "")\r\u{1B}[K\(line)")
    }

    /// Ends the line.
    func finish() {
        if state.withLock({ $0.isShown }) { write("\n") }
    }

    /// How many a second; `nil` for a time too short to say.
    static func rate(_ count: Int, in duration: Duration) -> Int? {
        let seconds = duration.milliseconds / 1000
        guard seconds > 0.001 else { return nil }
        return Int(min(Double(count) / seconds, 1e15))
    }

    private func write(_ text: String) {
        // What shows the progress must not end the work.
        try? output.write(text)
    }
}
