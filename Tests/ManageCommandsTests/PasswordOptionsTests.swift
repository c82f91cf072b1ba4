// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Testing

@testable import ManageCommands

struct PasswordOptionsTests {
    /// Reads a password as a command does whose standard input is a pipe.
    private func password(_ words: [String], input: String = "", in run: CommandRun? = nil) throws -> String {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        try #require(write(ends[1], input, input.utf8.count) == input.utf8.count)
        close(ends[1])
        defer { close(ends[0]) }
        var context = CommandContext.ofProcess(version: "0")
        context.terminal = Terminal(input: ends[0], output: STDERR_FILENO)
        context.currentFolder = run?.folder ?? "/"
        return try CommandContext.$current.withValue(context) {
            try PasswordOptions.parse(words).password(prompt: "Password", isNew: true)
        }
    }

    @Test(arguments: [
        ("word\n", "word"), ("word", "word"), ("word\r\n", "word"), (" with blanks \n", " with blanks "),
        ("ünï\n", "ünï"),
    ])
    func passwordComesFromStandardInput(input: String, expected: String) throws {
        #expect(try password(["--password-stdin"], input: input) == expected)
    }

    @Test func passwordComesFromAFile() throws {
        let run = try CommandRun()
        try run.write("hunter2\n", to: "secret")

        #expect(try password(["--password-file", "secret"], in: run) == "hunter2")
        #expect(try password(["--password-file", run.path("secret")]) == "hunter2")
    }

    @Test(arguments: ["", "\n", "two\nlines\n", "a\u{0}b", String(repeating: "x", count: 1025)])
    func whatIsNoPasswordIsRefusedWithoutShowingIt(_ input: String) throws {
        let run = try CommandRun()
        try run.write(input, to: "secret")

        for (words, text) in [(["--password-stdin"], input), (["--password-file", "secret"], "")] {
            let error = try #require(throws: CommandError.self) { try password(words, input: text, in: run) }

            #expect(error.status == .usage)
            #expect(!error.description.contains("two"))
        }
    }

    @Test func missingFileIsNamed() throws {
        let error = try #require(throws: CommandError.self) { try password(["--password-file", "/no/such"]) }

        #expect(error.status == .notFound)
        #expect(error.description.contains("'/no/such'"))
    }

    @Test func withoutATerminalOneOfTheOptionsIsNeeded() throws {
        let error = try #require(throws: CommandError.self) { try password([], input: "word\n") }

        #expect(error.status == .usage)
        #expect(error.description.contains("--password-stdin"))
    }

    @Test func twoSourcesAtOnceAreRefused() {
        #expect(throws: (any Error).self) { try PasswordOptions.parse(["--password-stdin", "--password-file", "x"]) }
    }
}
