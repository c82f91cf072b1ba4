// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings

/// The words of a command line, brought into the order that ArgumentParser expects.
///
/// What it cannot express is settled here, before it sees the words: `--config PATH`, `--json` and the like may stand
/// before the subcommand or between its parts; `help TOPIC` shows pages that belong to no command; and the reference
/// server's spellings `--db create` and `--table flow` still work.
struct CommandLineWords {
    /// Options of every command that may stand before the subcommand.
    private static let leadingFlags: Set = ["--json", "--quiet", "-q", "--no-color", "--no-input"]

    /// The words that are left.
    var arguments: [String] = []
    /// The path of a `--config` that stood before the end of the subcommand's name.
    var config: String?

    /// - Throws: `ValidationError` when a leading `--config` has no path.
    init(_ words: [String], root: any ParsableCommand.Type) throws {
        var rest = words[...]
        var flags: [String] = []
        var command = root
        while let word = rest.first {
            if word == "--config" || word == "-c" {
                rest.removeFirst()
                guard let path = rest.popFirst(), !path.isEmpty else {
                    throw ValidationError("Please give a path after '\(word)'.")
                }
                config = path
            } else if word.hasPrefix("--config=") {
                rest.removeFirst()
                config = String(word.dropFirst("--config=".count))
                if config?.isEmpty == true { throw ValidationError("Please give a path after '--config='.") }
            } else if Self.leadingFlags.contains(word) {
                flags.append(word)
                rest.removeFirst()
            } else if arguments.isEmpty, let replacement = Self.replacement(for: rest) {
                rest = replacement.words + rest.dropFirst(replacement.count)
                if replacement.isFinal { break }
            } else if let subcommand = command.configuration.subcommands.first(where: { $0._commandName == word }) {
                arguments.append(word)
                rest.removeFirst()
                command = subcommand
            } else {
                try Self.checkIsNotMistyped(word, of: command, after: arguments)
                break
            }
        }
        arguments += flags + rest
        if arguments.first == "help" { try Self.checkHelp(arguments.dropFirst(), root: root) }
        if arguments.starts(with: ["config", "set"]) { moveNegativeNumber() }
        joinNegativeNumbers()
    }

    /// `help` of a command that does not exist would show the help of its parent, as if all were well.
    private static func checkHelp(_ words: ArraySlice<String>, root: any ParsableCommand.Type) throws {
        var command = root
        for word in words where !word.hasPrefix("-") {
            let names = command.configuration.subcommands.map { $0._commandName }
            guard let next = command.configuration.subcommands.first(where: { $0._commandName == word }) else {
                let pages = command == root ? HelpTopic.allCases.map(\.rawValue) : []
                let meant = SpellingSuggestion.nearest(to: word, among: names + pages)
                throw ValidationError(
                    "There is no command or page \(word.quotedForDisplay())."
                        + (meant.map { " Did you mean '\($0)'?" } ?? ""))
            }
            command = next
        }
    }

    /// Whether a word is such as `-1`, `-0.5` or `-5m`: ArgumentParser would take it for an option.
    private static func isNegative(_ word: String) -> Bool {
        guard word.first == "-", let next = word.dropFirst().first else { return false }
        return next.isNumber || next == "."
    }

    /// The value of `config set` stands alone.
    private mutating func moveNegativeNumber() {
        guard !arguments.contains("--"), let index = arguments.firstIndex(where: Self.isNegative) else { return }
        let value = arguments.remove(at: index)
        arguments += ["--", value]
    }

    /// Makes `--rate=-1` of `--rate -1`, so that the command says what is wrong with the value, not that there is none.
    private mutating func joinNegativeNumbers() {
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        for index in arguments[..<end].indices.dropFirst().reversed() where Self.isNegative(arguments[index]) {
            let option = arguments[index - 1]
            let isOption = option.hasPrefix("--") ? !option.contains("=") : option.first == "-" && option.count == 2
            guard isOption, !Self.isNegative(option) else { continue }
            arguments[index - 1] = "\(option)=\(arguments.remove(at: index))"
        }
    }

    /// Refuses a word where only a subcommand can stand.
    private static func checkIsNotMistyped(
        _ word: String, of command: any ParsableCommand.Type, after words: [String]
    ) throws {
        let subcommands = command.configuration.subcommands.filter { $0.configuration.shouldDisplay }
        guard !subcommands.isEmpty, !word.hasPrefix("-"), word != "help" else { return }
        let name = ([Manage._commandName] + words).joined(separator: " ")
        let meant = SpellingSuggestion.nearest(to: word, among: subcommands.map { $0._commandName })
        throw WrongSubcommand(
            message: "There is no command '\(word.escapedForTerminal(lineBreaks: false))' in '\(name)'. "
                + (meant.map { "Did you mean '\(name) \($0)'?" } ?? "List its commands with '\(name) --help'."),
            group: command, name: name)
    }

    private static func replacement(
        for words: ArraySlice<String>
    ) -> (words: ArraySlice<String>, count: Int, isFinal: Bool)? {
        guard let first = words.first else { return nil }
        if first == "help", let topic = words.dropFirst().first, HelpTopic(rawValue: topic) != nil {
            return ([Manage.Topic._commandName, topic], 2, true)
        }
        // COMPAT: the reference server's manage.py.
        for (option, value, command) in [
            ("--db", "create", ["db", "create"]), ("--db", "delete", ["db", "delete"]),
            ("--table", "flow", ["flow", "seed"]),
        ] {
            if first == "\(option)=\(value)" { return (command[...], 1, false) }
            if first == option, words.dropFirst().first == value { return (command[...], 2, false) }
        }
        return nil
    }
}

/// A group of commands has no such one.
struct WrongSubcommand: Error {
    let message: String
    let group: any ParsableCommand.Type
    /// How the group is called, such as `manage log`.
    let name: String

    /// What ArgumentParser would print of a mistake within the group.
    var text: String {
        """
        Error: \(message)
        Usage: \(Manage.usageString(for: group))
          See '\(name) --help' for more information.
        """
    }
}
