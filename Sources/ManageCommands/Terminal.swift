// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The terminal of the person who runs a command: questions, and passwords without echo.
///
/// Prompts go to stderr, so that stdout carries results only.
struct Terminal: Sendable {
    /// The longest line that is read, in bytes.
    static let maximumLineBytes = 4096

    /// Open files of the process, by their numbers.
    let input: Int32
    let output: Int32

    /// Whether questions may be asked.
    var mayAsk = true

    /// Whether a person can answer: both files are terminals.
    var isInteractive: Bool { mayAsk && isatty(input) == 1 && isatty(output) == 1 }

    /// Asks a question whose safe answer is no.
    ///
    /// - Returns: Whether the answer is `y` or `yes`. The end of input is a no.
    func confirm(_ question: String) throws(CommandError) -> Bool {
        try write("\(question.escapedForTerminal()) [y/N] ")
        let answer = try readLine().trimmingPrefixAndSuffixBlanks().lowercased()
        return answer == "y" || answer == "yes"
    }

    /// Asks for a line of text.
    ///
    /// - Returns: What was typed, without the blanks around it.
    /// - Throws: `CommandError` with status 130 when nothing was typed.
    func ask(_ prompt: String) throws(CommandError) -> String {
        try write("\(prompt.escapedForTerminal()): ")
        let answer = try readLine().trimmingPrefixAndSuffixBlanks()
        guard !answer.isEmpty else { throw CommandError(.interrupted, "Cancelled: nothing was typed.") }
        return answer
    }

    /// Reads a password without showing it.
    ///
    /// - Throws: `CommandError` with status 130 after Ctrl-C and at the end of input.
    func password(prompt: String) throws(CommandError) -> String {
        var original = termios()
        guard tcgetattr(input, &original) == 0 else {
            throw CommandError(.failed, "The terminal cannot be switched to hide the password.")
        }
        var hidden = original
        hidden.c_lflag &= ~tcflag_t(ECHO | ECHONL | ICANON | ISIG | IEXTEN)
        hidden.c_iflag |= tcflag_t(ICRNL)
        guard tcsetattr(input, TCSAFLUSH, &hidden) == 0 else {
            throw CommandError(.failed, "The terminal cannot be switched to hide the password.")
        }
        defer {
            tcsetattr(input, TCSAFLUSH, &original)
            try? write("\n")
        }
        try write("\(prompt.escapedForTerminal()): ")
        return try Self.text(try hiddenLine())
    }

    /// Reads a new password twice.
    func newPassword(prompt: String) throws(CommandError) -> String {
        let first = try password(prompt: prompt)
        let second = try password(prompt: "\(prompt), once more")
        guard first == second else {
            throw CommandError(.failed, "The two passwords differ.", nextStep: "Nothing was changed. Try again.")
        }
        return first
    }

    /// Reads all of the input, as from a pipe.
    ///
    /// - Throws: `CommandError` when it is longer than `maximumBytes` or not valid UTF-8.
    func readAll(maximumBytes: Int) throws(CommandError) -> String {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while case let count = try read(into: &part), count > 0 {
            bytes += part[..<count]
            guard bytes.count <= maximumBytes else {
                throw CommandError(.usage, "The input is longer than \(maximumBytes) bytes.")
            }
        }
        return try Self.text(bytes)
    }

    private func hiddenLine() throws(CommandError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let byte = try readByte() {
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): return bytes
            case 0x03: throw CommandError(.interrupted, "Interrupted.")
            case 0x04 where bytes.isEmpty: throw CommandError(.interrupted, "Cancelled: no password was given.")
            case 0x08, 0x7F:
                while let last = bytes.popLast(), last & 0xC0 == 0x80 {}
            case 0x15: bytes = []
            case 0x00..<0x20: continue
            default: bytes.append(byte)
            }
            guard bytes.count <= Self.maximumLineBytes else { throw CommandError(.usage, "The password is too long.") }
        }
        throw CommandError(.interrupted, "Cancelled: no password was given.")
    }

    private func readLine() throws(CommandError) -> String {
        var bytes: [UInt8] = []
        while let byte = try readByte(), byte != UInt8(ascii: "\n") {
            bytes.append(byte)
            guard bytes.count <= Self.maximumLineBytes else { throw CommandError(.usage, "The answer is too long.") }
        }
        return try Self.text(bytes)
    }

    private func readByte() throws(CommandError) -> UInt8? {
        var byte: [UInt8] = [0]
        return try read(into: &byte) == 1 ? byte[0] : nil
    }

    /// - Returns: How many bytes were read; 0 at the end.
    private func read(into bytes: inout [UInt8]) throws(CommandError) -> Int {
        while true {
            let count = Glibc.read(input, &bytes, bytes.count)
            if count < 0, errno == EINTR { continue }
            // A terminal that has gone away reads as EIO.
            guard count >= 0 || errno == EIO else {
                throw CommandError(.failed, "The input cannot be read: \(String(cString: strerror(errno))).")
            }
            return max(0, count)
        }
    }

    private func write(_ text: String) throws(CommandError) {
        try TextOutput.descriptor(output).write(text)
    }

    private static func text(_ bytes: [UInt8]) throws(CommandError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandError(.usage, "The input is not valid UTF-8.")
        }
        return text
    }
}
