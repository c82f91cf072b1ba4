// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations
import Synchronization
import Testing

@testable import ManageCommands

struct ProgressBarTests {
    private final class Screen: Sendable {
        let text = Mutex("")
        let time = Mutex(ContinuousClock.now)
    }

    private func bar(_ screen: Screen, isTerminal: Bool = true, isQuiet: Bool = false) -> ProgressBar {
        var context = CommandContext.ofProcess(version: "0")
        context.standardError = TextOutput(isTerminal: isTerminal) { text in screen.text.withLock { $0 += text } }
        context.instant = { screen.time.withLock { $0 } }
        return ProgressBar(context: context, isQuiet: isQuiet)
    }

    @Test func barShowsShareAndRate() {
        let screen = Screen()
        let bar = bar(screen)

        bar.show(OperationProgress(phase: "messages", done: 0, total: 10))
        screen.time.withLock { $0 += .seconds(2) }
        bar.show(OperationProgress(phase: "messages", done: 5, total: 10))
        bar.finish()

        #expect(
            screen.text.withLock { $0 }
                == "\r\u{1B}[K[........................] 0 of 10 messages"
                + "\r\u{1B}[K[############............] 5 of 10 messages, 2 per second\n")
    }

    @Test func eachPhaseHasALine() {
        let screen = Screen()
        let bar = bar(screen)

        bar.show(OperationProgress(phase: "a", done: 1, total: 1))
        bar.show(OperationProgress(phase: "\u{1B}b", done: 9, total: 1))
        bar.show(OperationProgress(phase: "c", done: 1, total: 0))

        let text = screen.text.withLock { $0 }
        #expect(text.split(separator: "\n").count == 2)
        #expect(text.hasSuffix("[########################] 9 of 1 \\u{1b}b"))
    }

    @Test(arguments: [(false, false), (true, true)]) func nobodyToSeeMeansNothingShown(isTerminal: Bool, isQuiet: Bool)
    {
        let screen = Screen()
        let bar = bar(screen, isTerminal: isTerminal, isQuiet: isQuiet)

        bar.show(OperationProgress(phase: "a", done: 1, total: 1))
        bar.finish()

        #expect(screen.text.withLock { $0 } == "")
    }
}
