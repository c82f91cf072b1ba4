// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A terminal with a line at its foot that is typed while lines appear above it.
///
/// What is above scrolls as usual and stays when the program ends.
final class ConversationTerminal: Sendable {
    private struct State {
        var editor = LineEditor()
        var prompt = "> "
        var isClosed = false
    }

    private let screen: TerminalScreen
    private let output: TextOutput
    private let style: TextStyle
    private let state = Mutex(State())

    /// Takes over the terminal.
    ///
    /// - Throws: `CommandError` when there is none.
    init(input: Int32, output: TextOutput, style: TextStyle) throws(CommandError) {
        screen = try TerminalScreen(input: input, output: output, isAlternate: false)
        self.output = output
        self.style = style
        state.withLock { draw($0) }
    }

    /// Puts the terminal back as it was.
    func restore() {
        state.withLock { state in
            guard !state.isClosed else { return }
            state.isClosed = true
            try? output.write("\r\u{1B}[K")
            screen.restore()
        }
    }

    /// The bytes of the keys, for `type`.
    func keys() -> AsyncStream<[UInt8]> { screen.keys() }

    /// Takes the bytes of keys and shows the line as it is then.
    func type(_ bytes: [UInt8]) -> [LineEditor.Action] {
        state.withLock { state in
            let actions = state.editor.type(bytes)
            if actions.contains(.clearScreen), !state.isClosed { try? output.write("\u{1B}[2J\u{1B}[H") }
            draw(state)
            return actions
        }
    }

    /// Names the conversation in front of the line.
    func setPrompt(_ prompt: String) {
        state.withLock { state in
            state.prompt = prompt.escapedForTerminal(lineBreaks: false)
            draw(state)
        }
    }

    /// Shows lines above the one that is typed; they must have been escaped.
    func show(_ lines: [String]) {
        state.withLock { state in
            guard !state.isClosed else { return }
            // When the terminal is gone, its keys end, too.
            try? output.write("\r\u{1B}[K" + lines.map { $0 + "\u{1B}[K\r\n" }.joined())
            draw(state)
        }
    }

    private func draw(_ state: borrowing State) {
        guard !state.isClosed else { return }
        let width = screen.size.columns
        var prompt = state.prompt
        if prompt.columns > width / 2 { prompt = String(prompt.prefix(max(1, width / 2 - 3))) + "…> " }
        let view = state.editor.view(columns: width - prompt.columns)
        var text = "\r\u{1B}[K" + style.apply(.bold, to: prompt) + view.text
        if view.columnsAfterCursor > 0 { text += "\u{1B}[\(view.columnsAfterCursor)D" }
        try? output.write(text)
    }
}
