// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import JSON

@testable import ManageCommands

/// The page `docs/cli.md`, made from what the commands say of themselves.
struct HelpReference {
    /// One option, flag or argument.
    private struct Item: Equatable {
        var spelling: String
        var meaning: String
    }

    /// The items under one title of a command's help.
    private struct Group: Equatable {
        /// Empty for the command's own.
        var title: String
        var items: [Item]

        var anchor: String { String(title.lowercased().map { $0 == " " ? "-" : $0 }) }
    }

    private struct Page {
        var words: [String]
        var abstract: String
        var discussion: [Substring]
        var examples: [Substring]
        var usage: String
        var groups: [Group]
        var subcommands: [String]

        var name: String { words.joined(separator: " ") }
        var anchor: String { words.joined(separator: "-") }
    }

    private static let begin = """
        # Commands

        <!-- Made from the definitions of the commands; RECORD_SNAPSHOTS=1 Scripts/test HelpTests writes it anew. -->

        `manage` is the one program of Parley: it sets a server up, runs it, watches it and repairs it. `manage help
        COMMAND` and `manage COMMAND --help` show what stands here, with 80 columns; `manage completions` teaches
        the shell the words.

        - **Beside a running server and without one.** Commands that touch data go to the running server through its
          admin socket and take effect at once; when none runs they work on the store themselves. With SQLite a lock
          decides which it is; what needs the database for itself ends with 75 while a server runs.
        - **On another machine's server.** Commands with `--server URL --token-file FILE` run there, through the
          [HTTP API](admin-api.md#from-the-command-line), with the same output and exit codes; `PARLEY_SERVER` and
          `PARLEY_TOKEN_FILE` say the same to all of them. Commands that need the machine itself have no such options.
        - **Output.** Standard output has the result and nothing else; talk, questions and progress go to standard
          error. `--json` prints one object with a `version` and stable keys. Colours appear on a terminal only, and not
          when `NO_COLOR` is set.
        - **Questions** are asked on a terminal only. What destroys data needs `--yes` elsewhere.
        - **Secrets** never stand on the command line, which every user of the machine can read: passwords are asked
          for without echo, or come from `--password-stdin` or `--password-file`; a token from `--token-file`.
        - **Settings** are described in [configuration.md](configuration.md). Of each the first that is given applies:
          option, environment, file, default. `--config PATH` may stand before the subcommand, too.

        """

    private let pages: [Page]
    private let shared: [Group]

    /// Reads the tree of commands below a root, without those that help does not show.
    init(_ commands: [HelpTests.Command]) throws {
        let visible = commands.filter { $0.type.configuration.shouldDisplay }
        let pages = try visible.map { command in
            let dump = try JSONValue.parse(Array(command.type._dumpHelp().utf8))
            let discussion = command.type.configuration.discussion.split(
                separator: "\n", omittingEmptySubsequences: false)
            let mark = discussion.firstIndex { $0.hasPrefix("Example") } ?? discussion.endIndex
            return Page(
                words: command.words, abstract: command.type.configuration.abstract,
                discussion: Array(discussion[..<mark]), examples: Array(discussion[mark...].dropFirst()),
                usage: Manage.usageString(for: command.type),
                groups: Self.groups(dump["command"]?["arguments"]?.array.map(Array.init) ?? []),
                subcommands: command.type.configuration.subcommands.filter { $0.configuration.shouldDisplay }
                    .map { $0._commandName })
        }
        self.pages = pages
        // Told once: what is the same wherever it occurs.
        var shared: [Group] = []
        for group in pages.flatMap(\.groups) where !group.title.isEmpty && !shared.contains(group) {
            let uses = pages.flatMap(\.groups).filter { $0.title == group.title }
            if uses.count > 1, uses.allSatisfy({ $0 == group }) { shared.append(group) }
        }
        self.shared = shared
    }

    /// The whole page.
    func markdown() -> String {
        var text = Self.begin
        text += "\n## All commands\n\n| Command | What it does |\n|---|---|\n"
        for page in pages where page.subcommands.isEmpty {
            text += "| [`\(page.name)`](#\(page.anchor)) | \(Self.cell(page.abstract)) |\n"
        }
        text += "\n## Exit codes\n\n| Code | Meaning |\n|---|---|\n"
        for status in CommandStatus.allCases { text += "| \(status.rawValue) | \(Self.cell(status.meaning)) |\n" }
        text += "| 128 + n | `runserver` was ended by a second signal with the number n: 143 by SIGTERM. |\n"
        text += "\n## Options that commands share\n"
        for group in shared { text += "\n### \(group.title)\n\n" + Self.table(group.items) }
        for page in pages { text += "\n" + section(page) }
        return text
    }

    private func section(_ page: Page) -> String {
        let level = page.words.count < 3 ? "##" : "###"
        var text = "\(level) `\(page.name)`\n\n\(page.abstract)\n"
        let discussion = page.discussion.joined(separator: "\n").trimmed
        if !discussion.isEmpty { text += "\n\(discussion)\n" }
        if !page.subcommands.isEmpty {
            let links = page.subcommands.map { "[`\($0)`](#\(page.anchor)-\($0))" }
            text += "\n\(Self.broken("Subcommands: \(links.joined(separator: ", "))."))\n"
        } else {
            text += "\n```\n\(Self.wrapped(page.usage))\n```\n"
        }
        let own = page.groups.filter { !shared.contains($0) }
        for group in own where !group.items.isEmpty {
            text += "\n"
            // A lone group needs no title.
            if own.count > 1, !group.title.isEmpty { text += "\(group.title):\n\n" }
            text += Self.table(group.items)
        }
        let links = page.groups.filter { shared.contains($0) }.map { "[\($0.title.lowercased())](#\($0.anchor))" }
        if !links.isEmpty { text += "\n\(Self.broken("Also: \(links.joined(separator: ", "))."))\n" }
        let examples = page.examples.map { $0.hasPrefix("  ") ? $0.dropFirst(2) : $0 }.joined(separator: "\n").trimmed
        if !examples.isEmpty { text += "\nExamples:\n\n```\n\(examples)\n```\n" }
        return text
    }

    /// A list broken after commas, in lines of at most 120 characters.
    private static func broken(_ list: String) -> String {
        list.split(separator: ", ").reduce(into: [Substring]()) { lines, item in
            if let last = lines.last, last.count + 2 + item.count < 120 {
                lines[lines.count - 1] = "\(last), \(item)"
            } else {
                lines.append(item)
            }
        }.joined(separator: ",\n")
    }

    /// The groups in the order of the help; `--help` and `--version`, which every command has, are left out.
    private static func groups(_ arguments: [JSONValue]) -> [Group] {
        var groups: [Group] = []
        for argument in arguments where argument["shouldDisplay"]?.bool == true {
            guard !["help", "version"].contains(argument["preferredName"]?["name"]?.string) else { continue }
            let title = argument["sectionTitle"]?.string ?? ""
            let item = Item(spelling: spelling(argument), meaning: meaning(argument))
            if let index = groups.firstIndex(where: { $0.title == title }) {
                groups[index].items.append(item)
            } else {
                groups.append(Group(title: title, items: [item]))
            }
        }
        return groups
    }

    private static func spelling(_ argument: JSONValue) -> String {
        let value = "<\(argument["valueName"]?.string ?? "value")>"
        let rest = argument["isRepeating"]?.bool == true ? " …" : ""
        guard argument["kind"]?.string != "positional" else { return "`\(value)`\(rest)" }
        let names = (argument["names"]?.array.map(Array.init) ?? []).map { name in
            (name["kind"]?.string == "long" ? "--" : "-") + (name["name"]?.string ?? "")
        }
        let isOption = argument["kind"]?.string == "option"
        return names.map { "`\($0)\(isOption ? " " + value : "")`" }.joined(separator: ", ") + rest
    }

    private static func meaning(_ argument: JSONValue) -> String {
        var sentences = [argument["abstract"]?.string ?? "", argument["discussion"]?.string ?? ""].filter {
            !$0.isEmpty
        }
        // Most say it in their own words.
        let isSaid = sentences.joined().contains("(default:")
        if let values = argument["allValues"]?.array?.compactMap(\.string), !values.isEmpty {
            sentences.append("One of \(values.map { "`\($0)`" }.joined(separator: ", ")).")
        }
        if let value = argument["defaultValue"]?.string, !isSaid { sentences.append("Default: `\(value)`.") }
        if argument["isOptional"]?.bool == false, argument["kind"]?.string == "option" { sentences.append("Required.") }
        return sentences.joined(separator: " ")
    }

    private static func table(_ items: [Item]) -> String {
        "| Option | Meaning |\n|---|---|\n"
            + items.map { "| \(cell($0.spelling)) | \(cell($0.meaning)) |\n" }.joined()
    }

    private static func cell(_ text: String) -> String {
        text.split(separator: "\n").joined(separator: " ").split(separator: "|", omittingEmptySubsequences: false)
            .joined(separator: "\\|")
    }

    /// A usage of at most 100 columns: further lines stand deeper.
    private static func wrapped(_ usage: String) -> String {
        var lines: [String] = []
        for line in usage.split(separator: "\n") {
            var current = ""
            // What stands in brackets stays together.
            var depth = 0
            for word in line.split(separator: " ") {
                if depth == 0, !current.isEmpty, current.count + 1 + word.count > 100 {
                    lines.append(current)
                    current = "    " + word
                } else {
                    current += current.isEmpty ? word : " " + word
                }
                depth += word.count { $0 == "[" || $0 == "(" } - word.count { $0 == "]" || $0 == ")" }
            }
            lines.append(current)
        }
        return lines.joined(separator: "\n")
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop { $0 == "\n" }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
