// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The words of a command line, brought into the order that ArgumentParser expects.
///
/// Three things that it cannot express are settled here, before it sees the words: `--config PATH` may stand before
/// the subcommand or between its parts; `help TOPIC` shows pages that belong to no command; and the reference server's
/// spellings `--db create` and `--table flow` still work.
struct CommandLineWords {
    /// The words that are left.
    var arguments: [String] = []
    /// The path of a `--config` that stood before the end of the subcommand's name.
    var config: String?

    /// - Throws: `ValidationError` when a leading `--config` has no path.
    init(_ words: [String], root: any ParsableCommand.Type) throws {
        var rest = words[...]
        var command = root
        while let word = rest.first {
            if word == "--config" {
                rest.removeFirst()
                guard let path = rest.popFirst(), !path.isEmpty else {
                    throw ValidationError("Please give a path behind '--config'.")
                }
                config = path
            } else if word.hasPrefix("--config=") {
                rest.removeFirst()
                config = String(word.dropFirst("--config=".count))
                if config?.isEmpty == true { throw ValidationError("Please give a path behind '--config='.") }
            } else if arguments.isEmpty, let replacement = Self.replacement(for: rest) {
                rest = replacement.words + rest.dropFirst(replacement.count)
                if replacement.isFinal { break }
            } else if let subcommand = command.configuration.subcommands.first(where: { $0._commandName == word }) {
                arguments.append(word)
                rest.removeFirst()
                command = subcommand
            } else {
                break
            }
        }
        arguments += rest
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
