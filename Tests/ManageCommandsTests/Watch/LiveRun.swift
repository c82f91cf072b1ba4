// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

@testable import ManageCommands

/// A command that goes on until it is stopped, while a test watches what it writes.
struct LiveRun: Sendable {
    private final class Reader: Sendable {
        private let isThere = Mutex(true)
        var value: Bool {
            get { isThere.withLock { $0 } }
            set { isThere.withLock { $0 = newValue } }
        }
    }

    /// What it writes, in pieces.
    let output: AsyncStream<String>
    private let reader = Reader()
    private let interruptions: AsyncStream<Void>.Continuation

    /// As Ctrl-C does.
    func interrupt() { interruptions.yield() }

    /// As if whoever reads the output were gone.
    func leave() { reader.value = false }

    /// Runs a command in a test's folder while `body` runs; both end before this returns.
    static func during(
        _ words: [String], in run: CommandRun, environment: [String: String] = [:], terminal: TestTerminal? = nil,
        _ body: @escaping @Sendable (LiveRun) async throws -> Void
    ) async throws -> CommandStatus? {
        let (interruptions, interrupter) = AsyncStream.makeStream(of: Void.self)
        let (output, writer) = AsyncStream.makeStream(of: String.self)
        let live = LiveRun(output: output, interruptions: interrupter)
        let standardOutput =
            terminal?.output
            ?? TextOutput(
                isTerminal: false, hasReader: { live.reader.value }, write: { (text) in writer.yield(text) })
        let context = CommandContext(
            version: "9.8.7", environment: environment, currentFolder: run.folder,
            terminal: terminal?.terminal ?? Terminal(input: STDIN_FILENO, output: STDERR_FILENO),
            standardOutput: standardOutput, standardError: TextOutput(isTerminal: false, write: { _ in }),
            now: { 1_769_904_000 }, interruptions: { interruptions })
        return try await withThrowingTaskGroup(of: CommandStatus?.self) { group in
            group.addTask {
                let status = await Manage.run(words, in: context)
                writer.finish()
                terminal?.hangUp()
                return CommandStatus(rawValue: status)
            }
            do {
                try await body(live)
            } catch {
                group.cancelAll()
                throw error
            }
            return try await group.next() ?? nil
        }
    }
}

/// A pseudo-terminal: the test types and reads at one end, the command sits at the other.
final class TestTerminal: Sendable {
    struct Failure: Error { var errorNumber: Int32 }

    private let keyboard: Int32
    private let line: Int32
    private let shown: AsyncStream<[UInt8]>
    private let text = Mutex("")

    init(lines: Int = 24, columns: Int = 80) throws {
        // The request numbers of linux/asm-generic/ioctls.h, which the C importer does not see.
        let (unlockRequest, numberRequest, sizeRequest): (UInt, UInt, UInt) = (0x4004_5431, 0x8004_5430, 0x5414)
        var (unlocked, number): (Int32, Int32) = (0, 0)
        keyboard = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard keyboard >= 0, ioctl(keyboard, unlockRequest, &unlocked) == 0,
            ioctl(keyboard, numberRequest, &number) == 0
        else { throw Failure(errorNumber: errno) }
        line = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var size = winsize(ws_row: UInt16(lines), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        guard line >= 0, ioctl(line, sizeRequest, &size) == 0 else { throw Failure(errorNumber: errno) }
        shown = TerminalScreen.bytes(from: keyboard)
    }

    deinit {
        close(line)
        close(keyboard)
    }

    var terminal: Terminal { Terminal(input: line, output: line) }
    var output: TextOutput { .descriptor(line) }

    /// Whether what is typed is shown and read by lines, as in a shell.
    var isUsual: Bool {
        var state = termios()
        return tcgetattr(line, &state) == 0
            && state.c_lflag & tcflag_t(ICANON | ECHO | ISIG) == tcflag_t(ICANON | ECHO | ISIG)
    }

    func type(_ text: String) { _ = write(keyboard, text, text.utf8.count) }

    /// Waits until the screen has shown a text; gives all that was shown since the last call, up to its end.
    @discardableResult
    func shows(_ mark: String) async -> String {
        if let found = text.withLock({ Self.take(until: mark, from: &$0) }) { return found }
        for await bytes in shown {
            let found = text.withLock { text -> String? in
                text += String(decoding: bytes, as: UTF8.self)
                return Self.take(until: mark, from: &text)
            }
            if let found { return found }
        }
        return text.withLock { $0 }
    }

    /// Ends the waiting for text that no longer comes.
    func hangUp() { _ = write(line, "<end>", 5) }

    private static func take(until mark: String, from text: inout String) -> String? {
        guard let range = text.firstRange(of: mark) else { return nil }
        let taken = String(text[..<range.upperBound])
        text = String(text[range.upperBound...])
        return taken
    }
}
