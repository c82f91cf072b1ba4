// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Glibc
import JSON
import Settings

/// A value of `--file`: `picture=holiday.jpg`.
struct AttachmentFile: ExpressibleByArgument {
    /// What a message can carry.
    enum Kind: String, CaseIterable {
        case picture, video, audio, document

    }

    /// The largest file, in bytes; the server's limit is usually smaller.
    static let maximumBytes = 48 << 20

    var kind: Kind
    var path: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), let kind = Kind(rawValue: String(argument[..<equals])) else {
            return nil
        }
        self.kind = kind
        path = String(argument[argument.index(after: equals)...])
        if path.isEmpty { return nil }
    }

    /// The content in base64, as the protocol's clients send it.
    func content() throws(CommandError) -> JSONText {
        JSONText(Data(try bytes()).base64EncodedString())
    }

    /// The content as it is.
    func bytes() throws(CommandError) -> [UInt8] {
        let folder = CommandContext.current.currentFolder
        let full = SettingsFile.chosen(option: path, environment: [:], currentFolder: folder).path
        let descriptor = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw CommandError(
                errno == ENOENT || errno == ENOTDIR ? .notFound : .failed,
                "The file '\(path)' cannot be read: \(String(cString: strerror(errno))).",
                nextStep: "Check the path and its rights.")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw CommandError(.usage, "'\(path)' is not an ordinary file.", nextStep: "Give the path of a file.")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw CommandError(.failed, "The file '\(path)' cannot be read: \(String(cString: strerror(errno))).")
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= Self.maximumBytes else {
                throw CommandError(
                    .usage, "The file '\(path)' is larger than \(Self.maximumBytes >> 20) MiB.",
                    nextStep: "Give a smaller one.")
            }
        }
    }
}
