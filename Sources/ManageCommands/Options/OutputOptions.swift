// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc

/// How a command writes and whether it asks: `--json`, `--quiet`, `--no-color`, `--no-input`.
///
/// Results go to stdout, everything else to stderr.
struct OutputOptions: ParsableArguments {
    /// Whether the result is one JSON object.
    @Flag(name: .customLong("json"), help: "Write the result as one JSON object.")
    var isJSON = false

    /// Whether notes on stderr are left out.
    @Flag(name: [.customLong("quiet"), .customShort("q")], help: "Write results and errors only.")
    var isQuiet = false

    /// Whether colours are left out.
    @Flag(name: .customLong("no-color"), help: "Write without colours, as NO_COLOR does; FORCE_COLOR asks for them.")
    var isColorless = false

    /// Whether no question is asked, also on a terminal; `Manage.run` acts by it.
    @Flag(name: .customLong("no-input"), help: "Ask nothing; fail where a question would be asked.")
    var asksNothing = false

    /// Colours for stdout: on a terminal, unless they are not wanted.
    var style: TextStyle {
        style(for: CommandContext.current.standardOutput)
    }

    /// Writes the result.
    func write(_ report: some CommandReport) throws(CommandError) {
        let text = isJSON ? try report.json() : report.text(style: style)
        try CommandContext.current.standardOutput.write(text)
    }

    /// Tells something beside the result, on stderr; not with `--quiet`.
    func note(_ sentence: String) throws(CommandError) {
        if isQuiet { return }
        try CommandContext.current.standardError.write(sentence.escapedForTerminal() + "\n")
    }

    /// Warns of something, on stderr, also with `--quiet`.
    func warn(_ sentence: String) throws(CommandError) {
        let output = CommandContext.current.standardError
        let mark = style(for: output).apply(.yellow, to: "Warning:")
        try output.write("\(mark) \(sentence.escapedForTerminal())\n")
    }

    private func style(for output: TextOutput) -> TextStyle {
        let environment = CommandContext.current.environment
        let isUnwanted = isColorless || !(environment["NO_COLOR"] ?? "").isEmpty || environment["TERM"] == "dumb"
        let isForced = !["", "0"].contains(environment["FORCE_COLOR"] ?? "")
        return TextStyle(
            isColored: (output.isTerminal || isForced) && !isUnwanted,
            columns: output.isTerminal ? TerminalScreen.size(of: STDOUT_FILENO).columns : nil)
    }
}
