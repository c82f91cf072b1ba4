// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The variables of the environment that set keys: `PARLEY_SECTION_KEY` has the value, `PARLEY_SECTION_KEY_FILE` names
/// a file that has it.
struct SettingVariables {
    /// The most bytes that a file with a value may have.
    static let maximumFileBytes = 65536

    /// What a variable says of a key.
    struct Entry {
        var name: String
        var value: String
    }

    private(set) var entries: [SettingKey: Entry] = [:]
    /// What cannot be read, and what is set in both ways.
    private(set) var findings: [SettingsFinding] = []

    /// Reads the variables; relative paths of files count from `folder`.
    init(environment: [String: String], folder: String) {
        for key in SettingKey.all {
            let names = key.variables(in: environment)
            guard let name = names.first, let text = environment[name] else { continue }
            if let file = names.first(where: key.environmentFileNames.contains), file != name {
                findings.append(
                    SettingsFinding(
                        .variableTwice, .error, key: key.path,
                        message: "The environment variables \(name) and \(file) are both set.",
                        remedy: "Unset one of them."))
            } else if key.environmentFileNames.contains(name) {
                do {
                    let value = try Self.content(ofFile: SettingKind.absolute(text, folder: folder))
                    entries[key] = Entry(name: name, value: value)
                } catch {
                    findings.append(
                        SettingsFinding(
                            .variableFile, .error, key: key.path,
                            message: "The file \(text.quotedForDisplay()), which the environment variable \(name) "
                                + "names, \(error.problem).",
                            remedy: "Check the path and the rights of the file: it holds the value and nothing else."))
                }
            } else {
                entries[key] = Entry(name: name, value: text)
            }
        }
    }

    private struct Unusable: Error {
        var problem: String
    }

    /// The text of a file without the line break at its end.
    private static func content(ofFile path: String) throws(Unusable) -> String {
        // Without O_NONBLOCK a named pipe would make the program wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable() }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Unusable(problem: "is not a regular file")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable() }
            if count == 0 { break }
            bytes += chunk[..<count]
            guard bytes.count <= maximumFileBytes else { throw Unusable(problem: "is larger than 64 KiB") }
        }
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            throw Unusable(problem: "is not text in UTF-8")
        }
        return text.last?.isNewline == true ? String(text.dropLast()) : text
    }

    private static func unreadable() -> Unusable {
        Unusable(problem: "cannot be read: \(String(cString: strerror(errno)))")
    }
}

extension SettingKey {
    /// The environment variables that name a file with the key's value.
    package var environmentFileNames: [String] { environmentNames.map { $0 + "_FILE" } }

    /// The variables among those of a process that set the key; the first one counts.
    package func variables(in environment: [String: String]) -> [String] {
        (environmentNames + environmentFileNames).filter { environment[$0] != nil }
    }
}

/// Variables of the environment that set no key: they say on which server commands work.
package enum ClientVariables {
    /// The address of a server, as `--server` gives it.
    package static let server = "PARLEY_SERVER"
    /// The path of a file with a token, as `--token-file` gives it.
    package static let tokenFile = "PARLEY_TOKEN_FILE"
    static let all = [server, tokenFile]
}
