// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Glibc
import JSON
import Storage
import Testing

@testable import ManageCommands

/// The commands that touch data, with no server running: they work on an SQLite file.
struct DataCommandTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    /// A folder with a database and two users.
    private func prepare() async throws {
        #expect(try await run("db", "create", "-q").status == .done)
        for login in ["alice", "bob"] {
            let made = try await run("user", "create", "--login", login, "--password-stdin", "-q", input: "word\n")
            #expect(made.status == .done)
        }
    }

    private func uuid(_ words: String...) async throws -> String {
        let result = try await run.run(words + ["--json", "-q"])
        let line = try #require(result.output.split(separator: "\n").first { $0.contains("\"uuid\"") })
        return String(line.filter(\.isNumber))
    }

    // MARK: db

    @Test func databaseIsMadeLookedAtAndDeleted() async throws {
        let missing = try await run("db", "status")
        #expect(missing.status == .unavailable)
        #expect(missing.errors.contains("manage db create"))
        #expect(run.names().filter { !$0.hasSuffix(".lock") }.isEmpty)
        #expect(try await run("db", "migrate").status == .notFound)
        #expect(try await run("db", "delete", "--yes").status == .notFound)

        let created = try await run("db", "create")
        let again = try await run("db", "create")
        let status = try await run("db", "status", "-q")
        let migrated = try await run("db", "migrate")
        let unsure = try await run("db", "delete", input: "y\n")
        let deleted = try await run("db", "delete", "--yes")
        let empty = try await run("db", "status", "-q")

        #expect(created.status == .done)
        #expect(created.output.hasPrefix("Created the tables in sqlite:\(run.folder)"))
        #expect(created.errors.contains("Applying 0001"))
        #expect(again.status == .exists)
        #expect(status.output.contains("current"))
        #expect(migrated.output.contains("up to date"))
        #expect(unsure.status == .usage)
        #expect(deleted.status == .done)
        #expect(run.names().contains("db_sqlite.db"))
        #expect(empty.status == .done)
        #expect(empty.output.contains("manage db create"))
        #expect(try await run("db", "delete", "--yes").status == .notFound)
        #expect(try await run("user", "list").status == .unavailable)
        #expect(try await run("db", "create").status == .done)
    }

    @Test func spellingsOfTheReferenceServerWork() async throws {
        #expect(try await run("--db", "create").status == .done)
        let seeded = try await run("--table", "flow")
        #expect(seeded.status == .done)
        #expect(seeded.output.hasPrefix("Made 0 users, 1 group and 1 message."))
        #expect(try await run("--db", "delete").status == .usage)
        #expect(try await run("--db=delete", "--yes").status == .done)
    }

    @Test func folderThatIsMissingIsNamed() async throws {
        try run.write("[DATABASE]\nURI = sqlite:no/such/file.db\n", to: "config.ini")

        let result = try await run("db", "create")

        #expect(result.status == .unavailable)
        #expect(result.errors.contains("no/such/file.db"))
        #expect(run.names() == ["config.ini"])
    }

    @Test func databaseInMemoryBelongsToAServer() async throws {
        try run.write("[DATABASE]\nURI = sqlite:/:memory:\n", to: "config.ini")

        for words in [["db", "create"], ["user", "list"], ["db", "status"]] {
            let result = try await run.run(words)
            #expect(result.status == .unavailable)
            #expect(result.errors.contains("in memory"))
        }
    }

    @Test func foreignDatabaseIsLeftAlone() async throws {
        try run.write("no database at all, but long enough to be taken for one", to: "db_sqlite.db")

        for words in [["db", "create"], ["db", "status"], ["db", "delete", "--yes"], ["user", "list"]] {
            #expect(try await run.run(words).status == .unavailable)
        }
        #expect(try run.content(of: "db_sqlite.db")?.hasPrefix("no database at all") == true)
    }

    @Test func wrongSettingsEndWith78() async throws {
        try run.write("[DATABASE]\nURI = mysql://u@h/n\n", to: "config.ini")

        #expect(try await run("user", "list").status == .settings)
        #expect(try await run("db", "create").status == .settings)
    }

    // MARK: users

    @Test func usersAreMadeListedChangedAndDeleted() async throws {
        try await prepare()

        let again = try await run("user", "create", "--login", "ALICE", "--password-stdin", input: "word\n")
        #expect(again.status == .exists)
        #expect(again.errors.contains("Error: A user with login 'ALICE' exists already."))
        try await run.expectJSON("user", "list", isContentOf: "user-list")
        try await run.expectJSON("user", "list", "--after", "2", isContentOf: "user-list-empty")
        try await run.expectJSON("user", "list", "--limit", "1", isContentOf: "user-list-cut")
        try await run.expectJSON("user", "show", "alice", isContentOf: "user-show")
        try await run.expectJSON("user", "sessions", "alice", isContentOf: "user-sessions")
        let list = try await run("user", "list", "-q")
        #expect(list.output.split(separator: "\n").count == 3)
        #expect(list.output.hasPrefix("ROW  LOGIN"))

        #expect(try await run("user", "update", "alice").status == .usage)
        let changed = try await run("user", "update", "alice", "--new-login", "alicia", "--bot", "--bio", "\u{1B}[2J")
        #expect(changed.output == "Changed the user 'alicia'.\n")
        let shown = try await run("user", "show", "alicia", "-q")
        #expect(shown.output.contains("Bot        yes"))
        #expect(!shown.output.contains("\u{1B}"))
        #expect(try await run("user", "show", "alice").status == .notFound)
        #expect(try await run("user", "update", "alicia", "--no-bot", "--new-login", "bob").status == .exists)

        // Who is not there is told before anybody is asked.
        #expect(try await run("user", "delete", "nobody").status == .notFound)
        #expect(try await run("user", "create", "--login", "bob").status == .exists)
        #expect(try await run("user", "set-password", "nobody").status == .notFound)
        #expect(try await run("user", "delete", "alicia").status == .usage)
        #expect(try await run("user", "delete", "alicia", "--yes").output == "Deleted the user 'alicia'.\n")
        let gone = try await run("user", "delete", "alicia", "--yes")
        #expect(gone.status == .notFound)
        #expect(gone.errors.contains("Error: No user with login 'alicia'. List logins with 'manage user list'."))
    }

    @Test func passwordsAreNeverShown() async throws {
        try await prepare()

        let changed = try await run(
            "user", "set-password", "alice", "--password-stdin", "--json", input: "hunter2\n")
        let none = try await run("user", "set-password", "alice")
        let empty = try await run("user", "create", "--login", "carol", "--password-stdin", input: "\n")

        #expect(changed.status == .done)
        #expect(!(changed.output + changed.errors).contains("hunter2"))
        #expect(none.status == .usage)
        #expect(empty.status == .usage)
        #expect(try await run("user", "set-password", "dave", "--password-stdin", input: "x\n").status == .notFound)
    }

    @Test func logoutWithoutSessions() async throws {
        try await prepare()

        #expect(try await run("user", "logout", "alice").output == "Ended 0 sessions of 'alice'.\n")
        #expect(try await run("user", "logout", "alice", "--session", "7").status == .notFound)
        #expect(try await run("user", "logout", "alice", "--session", "x").status == .usage)
    }

    @Test func superuserIsMadeOnce() async throws {
        #expect(try await run("db", "create").status == .done)

        let words = ["superuser-create", "--username", "root", "--password-stdin"]
        let made = try await run.run(words, input: "word\n")
        let again = try await run.run(words + ["--login", "other"], input: "word\n")

        #expect(made.output == "Created the administrator 'root' with the login 'root'.\n")
        #expect(again.status == .exists)
        let shipped = try await run(
            "superuser-create", "--username", "boss", "--password-stdin", input: "password\n")
        #expect(shipped.status == .refused)
        #expect(shipped.errors.contains("everybody knows it"))
        let reserved = try await run("user", "create", "--login", "seed", "--password-stdin", input: "word\n")
        #expect(reserved.status == .refused)
        #expect(try await run("superuser-create", "--username", "boss").status == .usage)
    }

    @Test func longListsComePageByPage() async throws {
        #expect(try await run("db", "create", "-q").status == .done)
        #expect(try await run("flow", "seed", "--users", "1201", "--flows", "0", "-q").status == .done)

        let all = try await run("user", "list", "--json", "-q")
        let part = try await run("user", "list", "--limit", "700", "-q", "--json")

        // The bot is one of them.
        #expect(all.output.split(separator: "\n").count { $0.contains("\"login\"") } == 1202)
        #expect(all.output.hasSuffix("\n  ],\n  \"next\" : null,\n  \"version\" : 1\n}\n"))
        #expect(part.output.split(separator: "\n").count { $0.contains("\"login\"") } == 700)
        #expect(part.output.contains("\"next\" : 700,"))
        let text = try await run("user", "list")
        #expect(text.output.split(separator: "\n").count == 1203)
        #expect(try await run("user", "list", "--limit", "2").errors.contains("--after 2"))
        #expect(try await run("user", "list", "--limit", "0").status == .usage)
        #expect(try await run("user", "list", "--after", "-1").status == .usage)
    }

    @Test func usersAreFoundByAPartOfTheirNames() async throws {
        try await prepare()
        let made = try await run(
            "user", "create", "--login", "carol", "--username", "Carol Alison", "--password-stdin", input: "word\n")
        #expect(made.status == .done)

        let found = try await run("user", "list", "--search", "ALI", "--json", "-q")
        let cut = try await run("user", "list", "--search", "ali", "--limit", "1", "--json", "-q")
        let none = try await run("user", "list", "--search", "zoe", "-q")

        let logins = try JSONValue.parse(Array(found.output.utf8))["users"]?.array?.compactMap { $0["login"]?.string }
        #expect(logins == ["alice", "carol"])
        #expect(try JSONValue.parse(Array(cut.output.utf8))["next"]?.int == 1)
        #expect(none.output.split(separator: "\n").count == 1)
    }

    @Test func accountsOfAdministratorsAreListed() async throws {
        try await prepare()
        for name in ["root", "boss"] {
            let made = try await run(
                "superuser-create", "--username", name, "--login", "\(name)-login", "--password-stdin", input: "word\n")
            #expect(made.status == .done)
        }
        func logins(_ words: String...) async throws -> [String]? {
            let list = try await run.run(["user", "list", "--admins", "--json", "-q"] + words)
            #expect(list.status == .done)
            return try JSONValue.parse(Array(list.output.utf8))["users"]?.array?.compactMap { $0["login"]?.string }
        }

        #expect(try await logins() == ["root-login", "boss-login"])
        #expect(try await logins("--search", "BOSS") == ["boss-login"])
        #expect(try await logins("--search", "alice") == [])
        #expect(try await logins("--limit", "1") == ["root-login"])
        #expect(try await logins("--after", "3") == ["boss-login"])
        #expect(try await run("superuser", "delete", "root", "--yes", "-q").status == .done)
        #expect(try await logins() == ["boss-login"])
        // Who has lost the account does not come back into the panel.
        #expect(try await run("user", "delete", "boss-login", "--yes", "-q").status == .done)
        let left = try await run("superuser", "list", "--json", "-q")
        #expect(left.status == .done && !left.output.contains("boss"))
    }

    @Test func seedIsUndone() async throws {
        try await prepare()
        let made = try await uuid("flow", "create", "--login", "alice", "--type", "group", "--title", "Team")
        #expect(
            try await run("flow", "seed", "--users", "7", "--flows", "3", "--messages", "20", "-q").status == .done)

        let unsure = try await run("flow", "seed", "--remove")
        let removed = try await run("flow", "seed", "--remove", "--yes")
        let again = try await run("flow", "seed", "--remove", "--yes")

        #expect(unsure.status == .usage)
        #expect(removed.output == "Deleted 3 seeded groups and 7 seeded accounts.\n")
        #expect(again.output == "Nothing is seeded.\n")
        #expect(try await run("flow", "list", "-q", "--json").output.contains(made))
        let users = try await run("user", "list", "--json", "-q")
        #expect(users.output.split(separator: "\n").count { $0.contains("\"login\"") } == 2)
        #expect(try await run("flow", "seed", "--remove", "--users", "1").status == .usage)
        #expect(try await run("flow", "seed", "--yes").status == .usage)
    }

    // MARK: flows

    @Test func flowsAreMadeShownAndDeleted() async throws {
        try await prepare()

        let flow = try await uuid(
            "flow", "create", "--login", "alice", "--type", "group", "--title", "Team", "--member", "bob")
        try await run.expectJSON("flow", "show", flow, isContentOf: "flow-show")
        try await run.expectJSON("flow", "list", isContentOf: "flow-list")
        for name in ["Team", "1", "#1", String(flow.prefix(6))] {
            #expect(try await run("flow", "show", name, "-q").output.contains(flow), "\(name)")
        }
        let shown = try await run("flow", "show", flow, "-q")
        #expect(shown.output.contains("Members   alice, bob"))

        #expect(try await run("flow", "add-member", flow, "bob").status == .exists)
        #expect(try await run("flow", "remove-member", flow, "bob").output == "Removed 'bob' from flow \(flow).\n")
        #expect(try await run("flow", "remove-member", flow, "bob").status == .notFound)
        #expect(try await run("flow", "remove-member", flow, "alice").status == .refused)
        #expect(try await run("flow", "add-member", flow, "bob").output == "Added 'bob' to flow \(flow).\n")
        #expect(try await run("flow", "delete", flow).status == .usage)
        #expect(try await run("flow", "delete", flow, "--yes").output == "Deleted the group \(flow) 'Team'.\n")
        #expect(try await run("flow", "show", flow).status == .notFound)
        #expect(try await run("flow", "show", "x").status == .notFound)
        let words = ["flow", "create", "--login", "alice", "--title", "t", "--type"]
        #expect(try await run.run(words + ["chat"]).status == .usage)
        #expect(try await run.run(words + ["room"]).status == .usage)
        #expect(try await run.run(words + ["group", "--member", "carol"]).status == .notFound)
    }

    /// What a list shows of a flow is enough to change and to delete it, and no other one.
    @Test func flowIsChangedByWhateverNamesIt() async throws {
        try await prepare()
        let words = ["flow", "create", "--login", "alice", "--type", "group", "--title"]
        #expect(try await run.run(words + ["Lobby"]).status == .done)
        let flow = try await uuid(
            "flow", "create", "--login", "alice", "--type", "group", "--title", "Team", "--member", "bob")

        for name in ["Team", "2", "#2", String(flow.prefix(6))] {
            let changed = try await run("flow", "update", name, "--info", "Found by \(name)")
            #expect(changed.output == "Changed the group \(flow) 'Team'.\n")
            #expect(try await run("flow", "show", flow, "-q").output.contains("Found by \(name)"))
            let removed = try await run("flow", "remove-member", name, "bob")
            #expect(removed.output == "Removed 'bob' from flow \(flow).\n")
            #expect(try await run("flow", "add-member", name, "bob").output == "Added 'bob' to flow \(flow).\n")
        }
        for row in 3...5 {
            let gone = try await uuid("flow", "create", "--login", "alice", "--type", "group", "--title", "Gone")
            let name = [3: "Gone", 4: "#4"][row] ?? String(gone.prefix(6))
            #expect(try await run("flow", "delete", name, "--yes").output == "Deleted the group \(gone) 'Gone'.\n")
        }
        let left = try await run("flow", "list", "--json", "-q").output
        #expect(left.contains("\"Lobby\"") && left.contains("\"Team\"") && !left.contains("\"Gone\""))
    }

    @Test func flowsAreChangedAndFound() async throws {
        try await prepare()
        let flow = try await uuid("flow", "create", "--login", "alice", "--type", "group", "--title", "Team")
        _ = try await run("flow", "create", "--login", "alice", "--type", "group", "--title", "Lobby")

        let changed = try await run(
            "flow", "update", flow, "--title", "News", "--info", "All of it", "--type", "channel", "--owner", "bob")
        #expect(changed.output == "Changed the channel \(flow) 'News'.\n")
        let shown = try await run("flow", "show", flow, "-q")
        #expect(shown.output.contains("Owner     bob") && shown.output.contains("Info      All of it"))
        #expect(try await run("flow", "update", flow).status == .usage)
        #expect(try await run("flow", "update", flow, "--type", "chat").status == .refused)
        #expect(try await run("flow", "update", "12", "--title", "x").status == .notFound)

        func titles(_ words: String...) async throws -> [String] {
            let list = try await run.run(["flow", "list", "--json", "-q"] + words)
            #expect(list.status == .done)
            return ["News", "Lobby"].filter { list.output.contains("\"\($0)\"") }
        }
        #expect(try await titles() == ["News", "Lobby"])
        #expect(try await titles("--title", "new") == ["News"])
        #expect(try await titles("--since", "2020-01-31") == ["News", "Lobby"])
        // The command's clock of this test is in February 2026.
        #expect(try await titles("--since", "7d") == ["News", "Lobby"])
        #expect(try await titles("--since", "99999999999") == [])
        #expect(try await run("flow", "list", "--since", "yesterday").status == .usage)
    }

    @Test func pictureOfAUserIsAFile() async throws {
        try await prepare()
        try run.write("picture", to: "portrait.png")
        try run.write(String(repeating: "x", count: 200_000), to: "large.png")

        #expect(try await run("user", "update", "alice", "--avatar", "portrait.png").status == .done)
        #expect(try await run("user", "show", "alice", "-q").output.contains("Avatar     12 bytes"))
        #expect(try await run("user", "update", "alice", "--avatar", "").status == .done)
        #expect(try await run("user", "show", "alice", "-q").output.contains("Avatar     -"))
        #expect(try await run("user", "update", "alice", "--avatar", "large.png").status == .usage)
        #expect(try await run("user", "update", "alice", "--avatar", "gone.png").status == .notFound)
        let wrong = try await run("user", "update", "alice", "--email", "nowhere")
        #expect(wrong.status == .usage)
        #expect(wrong.errors.contains("alice@example.org"))
    }

    @Test func seedShowsABarOnATerminalOnly() async throws {
        #expect(try await run("db", "create").status == .done)

        let words = ["flow", "seed", "--users", "3", "--flows", "2", "--messages", "4000"]
        let shown = try await run.run(words, isTerminal: true)
        let plain = try await run.run(words + ["--json", "-q"])
        let quiet = try await run.run(words + ["--quiet"], isTerminal: true)
        let status = try await run("db", "status", "-q")

        #expect(shown.errors.contains("\r\u{1B}[K[########################] 4000 of 4000 messages"))
        #expect(shown.errors.hasSuffix("\n"))
        #expect(plain.errors == "")
        #expect(!quiet.errors.contains("["))
        #expect(status.output.contains("Messages    12000"))
        try await run.expectJSON("flow", "seed", isContentOf: "flow-seed")
        for wrong in [["--users", "-1"], ["--flows", "0", "--messages", "2"], ["--messages", "x"]] {
            #expect(try await run.run(["flow", "seed"] + wrong).status == .usage)
        }
        #expect(try await run("flow", "seed", "--password-stdin", "--users", "1", input: "\n").status == .usage)
    }
}
