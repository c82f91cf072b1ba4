// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings

/// Where a password comes from: a prompt without echo, `--password-stdin` or `--password-file`; never the command line,
/// which every user of the machine can read.
struct PasswordOptions: ParsableArguments {
    /// The longest password, in bytes.
    static let maximumBytes = 1024

    /// Whether the password is the first line of stdin.
    @Flag(name: .customLong("password-stdin"), help: "Read the password from standard input.")
    var isOnStandardInput = false

    /// The file whose only line is the password.
    @Option(
        name: .customLong("password-file"),
        help: ArgumentHelp("Read the password from a file that contains nothing else.", valueName: "path"),
        completion: .file()
    )
    var file: String?

    /// Refuses two sources at once.
    func validate() throws {
        if isOnStandardInput, file != nil {
            throw ValidationError("Please give --password-stdin or --password-file, not both.")
        }
    }

    /// Whether the command line names a source, so that no question is asked.
    var isGiven: Bool { isOnStandardInput || file != nil }

    /// Reads the password.
    ///
    /// - Parameters:
    ///   - prompt: What is asked for on a terminal, such as `Password for alice`.
    ///   - isNew: Whether a terminal asks twice.
    /// - Returns: The password: not empty, at most 1024 bytes, without control characters.
    /// - Throws: `CommandError`: 64 without a terminal and without either option.
    func password(prompt: String, isNew: Bool) throws(CommandError) -> String {
        let context = CommandContext.current
        if isOnStandardInput {
            return try Self.checked(try context.terminal.readAll(maximumBytes: Self.maximumBytes + 2))
        }
        if let file { return try Self.checked(try Self.content(of: file, in: context)) }
        guard context.terminal.isInteractive else {
            throw CommandError(
                .usage, "There is no terminal to ask for the password on.",
                nextStep: "Add --password-stdin or --password-file PATH."
            )
        }
        let typed =
            isNew ? try context.terminal.newPassword(prompt: prompt) : try context.terminal.password(prompt: prompt)
        return try Self.checked(typed)
    }

    private static func content(of path: String, in context: CommandContext) throws(CommandError) -> String {
        let file = SettingsFile.chosen(option: path, environment: [:], currentFolder: context.currentFolder)
        let bytes: [UInt8]
        do {
            guard let content = try file.read() else {
                throw CommandError(
                    .notFound, "The password file '\(path)' does not exist.", nextStep: "Check the path.")
            }
            bytes = content
        } catch let error as CommandError {
            throw error
        } catch {
            throw CommandError(
                .failed, "The password file '\(path)' cannot be read.", nextStep: "Check the path and its rights."
            )
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandError(.usage, "The password file '\(path)' is not valid UTF-8.")
        }
        return text
    }

    private static func checked(_ text: String) throws(CommandError) -> String {
        var bytes = Array(text.utf8)[...]
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard !bytes.isEmpty else { throw CommandError(.usage, "The password is empty.") }
        guard bytes.count <= maximumBytes else {
            throw CommandError(.usage, "The password is longer than \(maximumBytes) bytes.")
        }
        guard !bytes.contains(where: { $0 < 0x20 }) else {
            throw CommandError(
                .usage, "The password contains a line break or another control character.",
                nextStep: "Give one line with nothing but the password."
            )
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
