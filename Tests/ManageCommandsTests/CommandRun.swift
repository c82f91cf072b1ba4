// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Settings
import Synchronization
import TestSupport
import Testing

@testable import ManageCommands

/// Runs commands in-process, in a folder of their own, with captured output.
final class CommandRun: Sendable {
    struct Result {
        var status: CommandStatus?
        var output: String
        var errors: String
    }

    private final class Capture: Sendable {
        private let text = Mutex("")

        func append(_ more: String) { text.withLock { $0 += more } }

        var value: String { text.withLock { $0 } }
    }

    struct Failure: Error { var errorNumber: Int32 }

    private let temporary: TemporaryFolder
    var folder: String { temporary.path }

    init() throws {
        temporary = try TemporaryFolder()
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Runs a command that stands in the arguments.
    func callAsFunction(
        _ words: String..., input: String = "", environment: [String: String] = [:], isTerminal: Bool = false,
        checkDatabase: @escaping @Sendable (Settings) async -> [SettingsFinding] = { _ in [] }
    ) async throws -> Result {
        try await run(
            words, input: input, environment: environment, isTerminal: isTerminal, checkDatabase: checkDatabase
        )
    }

    /// Runs a command; the input stands on its standard input and has at most 64 KiB, unless somebody sits at a
    /// `terminal`.
    func run(
        _ words: [String], input: String = "", environment: [String: String] = [:], isTerminal: Bool = false,
        terminal: Terminal? = nil,
        checkDatabase: @escaping @Sendable (Settings) async -> [SettingsFinding] = { _ in [] }
    ) async throws -> Result {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure(errorNumber: errno) }
        let written = Glibc.write(ends[1], input, input.utf8.count)
        close(ends[1])
        defer { close(ends[0]) }
        #expect(written == input.utf8.count)
        let output = Capture()
        let errors = Capture()
        let context = CommandContext(
            version: "9.8.7", environment: environment, currentFolder: folder,
            terminal: terminal ?? Terminal(input: ends[0], output: STDERR_FILENO),
            standardOutput: TextOutput(isTerminal: isTerminal) { output.append($0) },
            standardError: TextOutput(isTerminal: isTerminal) { errors.append($0) },
            now: { 1_769_904_000 }, checkDatabase: checkDatabase
        )
        let status = await Manage.run(Self.withTimeout(words), in: context)
        return Result(status: CommandStatus(rawValue: status), output: output.value, errors: errors.value)
    }

    /// Lets a command wait far longer than any answer takes, unless the test says how long: no test is to depend on how
    /// fast the machine is.
    private static func withTimeout(_ words: [String]) -> [String] {
        let waits = words.first == "doctor" || words.first == "testclient" && words.count > 1
        return waits && !words.contains("--timeout") ? words + ["--timeout", "300"] : words
    }

    func write(_ text: String, to name: String, mode: mode_t = 0o600) throws {
        let file = SettingsFile(path: path(name), choice: .option)
        try file.write(Array(text.utf8))
        chmod(file.path, mode)
    }

    func content(of name: String) throws -> String? {
        try SettingsFile(path: path(name), choice: .option).read().map { String(decoding: $0, as: UTF8.self) }
    }

    func names() -> [String] { temporary.names() }
}

/// Files in Fixtures/ that hold what a command is expected to write.
enum Snapshot {
    static func folder(_ name: String, file: String = #filePath) -> String {
        "/" + file.split(separator: "/").dropLast().joined(separator: "/") + "/Fixtures/\(name)"
    }

    static var isRecording: Bool { getenv("RECORD_SNAPSHOTS") != nil }

    /// Compares a text with a file; with RECORD_SNAPSHOTS=1 it writes the file and records an issue all the same.
    static func expect(_ text: String, isContentOf name: String) throws {
        let file = SettingsFile(path: folder(name), choice: .option)
        if isRecording {
            try file.write(Array(text.utf8))
            chmod(file.path, 0o644)
            Issue.record("\(name) has been written; run again without RECORD_SNAPSHOTS.")
            return
        }
        let content = try file.read().map { String(decoding: $0, as: UTF8.self) }
        #expect(content == text, "Run with RECORD_SNAPSHOTS=1 to write \(name) anew.")
    }
}
