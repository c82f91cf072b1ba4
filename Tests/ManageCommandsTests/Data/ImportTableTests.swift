// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import ManageCommands

/// The file that `import csv` reads.
struct ImportTableTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    /// Each says what it is: a table that is missing, one that is too large, and one that is no file.
    @Test func tablesThatCannotBeReadAreToldApart() async throws {
        try run.write("", to: "large.csv")
        #expect(truncate(run.path("large.csv"), 65 << 20) == 0)

        let missing = try await run("import", "csv", "none.csv")
        let large = try await run("import", "csv", "large.csv")
        let folder = try await run("import", "csv", ".")

        #expect(missing.status == .notFound)
        #expect(missing.errors.contains("The table 'none.csv' cannot be read: No such file or directory."))
        #expect(large.status == .usage)
        #expect(large.errors.contains("The table 'large.csv' is larger than 64 MiB. Split it"))
        #expect(folder.status == .failed)
        #expect(folder.errors.contains("Is a directory"))
    }

    /// As from standard input, where a table of this size was taken already.
    @Test func tableOfSomeMegabytesIsRead() async throws {
        let rows = (0..<40_000).map { "somebody\($0),A long enough name for a table of this size\n" }.joined()
        try run.write("login,username\n" + rows, to: "people.csv")

        #expect(rows.utf8.count > 1 << 20)
        #expect(
            try CommandContext.$current.withValue(context()) { try CSVUsers(CSVUsers.read("people.csv")) }
                .users.count == 40_000)
    }

    private func context() -> CommandContext {
        var context = CommandContext.current
        context.currentFolder = run.folder
        return context
    }
}
