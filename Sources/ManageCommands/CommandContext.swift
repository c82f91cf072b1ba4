// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Settings

/// What a command sees of the world: its environment, streams and clock.
///
/// Commands reach it as `CommandContext.current`, so that tests run them in-process with streams and a clock of their
/// own.
struct CommandContext: Sendable {
    /// The context of the command that runs in this task.
    @TaskLocal static var current = CommandContext.ofProcess(version: "unknown")

    /// The program's version.
    var version: String
    /// The environment variables.
    var environment: [String: String]
    /// The current folder, an absolute path.
    var currentFolder: String
    /// The path of a `--config` that stood before the subcommand.
    var leadingConfig: String?
    /// Where questions are asked and passwords read.
    var terminal: Terminal
    /// Results go here.
    var standardOutput: TextOutput
    /// Everything else goes here.
    var standardError: TextOutput
    /// Seconds since 1970.
    var now: @Sendable () -> Int
    /// A clock that only goes forward, for durations.
    var instant: @Sendable () -> ContinuousClock.Instant = { .now }
    /// Checks whether the database of some settings can be used.
    ///
    /// `config check` reports what it finds.
    var checkDatabase: @Sendable (Settings) async -> [SettingsFinding] = { _ in [] }
    /// Yields when the command is asked to end, as by Ctrl-C, from the call on.
    var interruptions: @Sendable () async -> AsyncStream<Void> = { AsyncStream { _ in } }

    /// The context of the process: its real environment, streams and clock.
    static func ofProcess(version: String) -> CommandContext {
        CommandContext(
            version: version,
            environment: ProcessInfo.processInfo.environment,
            currentFolder: SettingsFile.currentFolder(),
            terminal: Terminal(input: STDIN_FILENO, output: STDERR_FILENO),
            standardOutput: .descriptor(STDOUT_FILENO),
            standardError: .descriptor(STDERR_FILENO),
            now: { time(nil) },
            checkDatabase: { await DatabaseCheck.findings(for: $0, now: { time(nil) }) },
            interruptions: { await Interruption.signals() }
        )
    }
}

/// Something that text is written to.
struct TextOutput: Sendable {
    /// Whether it is a terminal.
    var isTerminal: Bool
    private var writeText: @Sendable (String) throws(CommandError) -> Void
    private var findReader: @Sendable () -> Bool

    /// `hasReader` says whether what is written is still read.
    init(
        isTerminal: Bool, hasReader: @escaping @Sendable () -> Bool = { true },
        write: @escaping @Sendable (String) throws(CommandError) -> Void
    ) {
        self.isTerminal = isTerminal
        self.writeText = write
        findReader = hasReader
    }

    /// Whether what is written is still read; no when the other end of a pipe is closed.
    var hasReader: Bool { findReader() }

    /// Writes a text.
    ///
    /// - Throws: `CommandError` when not all of it could be written, as on a full disk.
    func write(_ text: String) throws(CommandError) {
        try writeText(text)
    }

    /// An open file of the process, by its number.
    static func descriptor(_ descriptor: Int32) -> TextOutput {
        let look: @Sendable () -> Bool = { hasReader(descriptor) }
        return TextOutput(isTerminal: isatty(descriptor) == 1, hasReader: look) { (text) throws(CommandError) in
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                if count < 0, errno == EPIPE { throw CommandError.outputClosed }
                guard count > 0 else {
                    throw CommandError(.failed, "The output cannot be written: \(String(cString: strerror(errno))).")
                }
                rest = rest.dropFirst(count)
            }
        }
    }

    private static func hasReader(_ descriptor: Int32) -> Bool {
        var state = pollfd(fd: descriptor, events: 0, revents: 0)
        guard poll(&state, 1, 0) > 0 else { return true }
        return Int32(state.revents) & (POLLERR | POLLHUP | POLLNVAL) == 0
    }
}
