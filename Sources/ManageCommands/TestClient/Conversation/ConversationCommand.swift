// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A line typed in `testclient chat`: a message, or a command that begins with `/`.
enum ConversationCommand: Equatable {
    case text(String)
    case help, contacts, groups, quit
    case to(String)
    case add(String)
    case history(Int)
    case image(String)
    case newGroup(title: String, members: [String])
    case addMember(String)
    case removeMember(String)
    /// The line cannot be meant; what to tell.
    case mistake(String)

    /// The commands, for `/help`.
    static let helpLines: [(words: String, meaning: String)] = [
        ("/to NAME", "talk to NAME: a login, a number, or #GROUP"),
        ("/contacts", "list the people you know, and who is online"),
        ("/add LOGIN", "make LOGIN a contact"),
        ("/groups", "list your groups"),
        ("/history [COUNT]", "show what was said here before"),
        ("/group new TITLE NAME…", "make a group (without a title with FastChat)"),
        ("/group add NAME", "add a person to this group"),
        ("/group remove NAME", "remove a person from this group"),
        ("/image PATH", "send a picture"),
        ("//TEXT", "say something that begins with a slash"),
        ("/quit", "end; so do Ctrl-C and Ctrl-D"),
    ]

    /// Reads a line; `nil` for an empty one.
    init?(_ line: String) {
        let trimmed = line.trimmingPrefixAndSuffixBlanks()
        guard !trimmed.isEmpty else { return nil }
        guard trimmed.hasPrefix("/") else {
            self = .text(line)
            return
        }
        if trimmed.hasPrefix("//") {
            self = .text(String(trimmed.dropFirst()))
            return
        }
        let words = trimmed.split(separator: " ").map(String.init)
        let rest = String(trimmed.drop { $0 != " " }).trimmingPrefixAndSuffixBlanks()
        switch words[0] {
        case "/help", "/?": self = .help
        case "/contacts": self = .contacts
        case "/groups": self = .groups
        case "/quit", "/exit": self = .quit
        case "/to": self = rest.isEmpty ? .mistake("Say to whom: /to NAME") : .to(rest)
        case "/add": self = rest.isEmpty ? .mistake("Say whom: /add LOGIN") : .add(rest)
        case "/image": self = rest.isEmpty ? .mistake("Say which file: /image PATH") : .image(rest)
        case "/history":
            if rest.isEmpty {
                self = .history(20)
            } else if let count = Int(rest), 1...100 ~= count {
                self = .history(count)
            } else {
                self = .mistake("Give a number from 1 to 100: /history COUNT")
            }
        case "/group": self = Self.group(Array(words.dropFirst()))
        default: self = .mistake("There is no command \(words[0]); /help lists them.")
        }
    }

    private static func group(_ words: [String]) -> ConversationCommand {
        switch (words.first, words.count) {
        case ("new"?, 2...): .newGroup(title: words[1], members: Array(words.dropFirst(2)))
        case ("add"?, 2): .addMember(words[1])
        case ("remove"?, 2): .removeMember(words[1])
        default: .mistake("Write /group new TITLE NAME…, /group add NAME or /group remove NAME.")
        }
    }
}
