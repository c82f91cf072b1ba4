// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The settings file: which one it is, reading and writing it.
package struct SettingsFile: Sendable, Equatable {
    /// How the file was chosen.
    package enum Choice: Sendable {
        /// By `--config`.
        case option
        /// By `PARLEY_CONFIG`.
        case environment
        /// It is `config.ini` in the current folder.
        case currentFolder
    }

    /// The environment variable that chooses the file.
    package static let environmentName = "PARLEY_CONFIG"

    /// The absolute path.
    package var path: String
    /// How the file was chosen.
    package var choice: Choice

    /// Names a file by its absolute path.
    package init(path: String, choice: Choice) {
        self.path = path
        self.choice = choice
    }

    /// Chooses the file: `--config`, `PARLEY_CONFIG`, `config.ini` in the current folder.
    ///
    /// It need not exist.
    package static func chosen(option: String?, environment: [String: String], currentFolder: String) -> SettingsFile {
        if let option, !option.isEmpty {
            return SettingsFile(path: SettingKind.absolute(option, folder: currentFolder), choice: .option)
        }
        if let variable = environment[environmentName], !variable.isEmpty {
            return SettingsFile(path: SettingKind.absolute(variable, folder: currentFolder), choice: .environment)
        }
        return SettingsFile(path: SettingKind.absolute("config.ini", folder: currentFolder), choice: .currentFolder)
    }

    /// The process's current folder, or `/` when it has been removed.
    package static func currentFolder() -> String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    /// The file's name without its folder.
    package var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// The folder of the file, which relative paths in it count from.
    package var folder: String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// Whether something is at the path.
    package var exists: Bool { access(path, F_OK) == 0 }

    /// How many bytes it has; `nil` when there is none.
    package var bytes: Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// The path of a file that stands in a command line, where relative ones count from the current folder.
    package static func absolute(_ path: String, folder: String) -> String {
        SettingKind.absolute(path, folder: folder)
    }

    /// Whether other users of the machine may read the file.
    package var isReadableByOthers: Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IROTH != 0
    }

    /// Reads the file.
    ///
    /// - Returns: The bytes; `nil` if there is no file.
    /// - Throws: `SettingsError` when it cannot be read or is larger than 1 MiB.
    package func read() throws(SettingsError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure("cannot be read")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot be read") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= INIDocument.maximumBytes else {
                throw SettingsError(
                    .unusableFile,
                    [
                        SettingsFinding(
                            .fileUnusable, .error, file: path, message: "The settings file is larger than 1 MiB.",
                            remedy: "Check that it is the right file."
                        )
                    ]
                )
            }
        }
    }

    /// Reads the file as a document.
    package func document() throws(SettingsError) -> INIDocument? {
        guard let bytes = try read() else { return nil }
        do {
            return try INIDocument(bytes: bytes)
        } catch {
            let finding = SettingsFinding(
                .fileMalformed, .error, file: path, line: error.line,
                message: "The settings file cannot be understood: \(error.message).",
                remedy: "Fix the line, or start again with 'manage config restore'."
            )
            throw SettingsError(.syntax, [finding])
        }
    }

    /// Writes the file in one step: a reader sees the old or the new content.
    ///
    /// A new file gets mode 0600, an existing one keeps its mode and owner, a symbolic link stays one.
    package func write(_ bytes: [UInt8]) throws(SettingsError) {
        let target = Self.resolved(path)
        var status = stat()
        let exists = stat(target, &status) == 0
        var template = Array("\(target).XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0, fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else { throw failure("cannot be written") }
        let temporary = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        var isComplete = false
        defer {
            close(descriptor)
            if !isComplete { unlink(temporary) }
        }
        if exists {
            guard fchmod(descriptor, status.st_mode & 0o7777) == 0 else { throw failure("cannot be written") }
            // Only root may give a file away; otherwise the writer becomes the owner.
            _ = fchown(descriptor, status.st_uid, status.st_gid)
        }
        guard Self.writeAll(bytes, to: descriptor), fsync(descriptor) == 0, rename(temporary, target) == 0 else {
            throw failure("cannot be written")
        }
        isComplete = true
    }

    /// Copies the file to a new one beside it, which only its owner can read.
    ///
    /// - Parameter suffix: Goes after the name; a number follows it when such a file exists.
    /// - Returns: The path of the copy.
    /// - Throws: `SettingsError` when the file does not exist or the copy cannot be written.
    package func backUp(suffix: String) throws(SettingsError) -> String {
        guard let bytes = try read() else { throw missing() }
        for number in 1...1000 {
            let copy = number == 1 ? "\(path).\(suffix)" : "\(path).\(suffix)-\(number)"
            let descriptor = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if descriptor < 0, errno == EEXIST { continue }
            guard descriptor >= 0 else { throw failure("cannot be copied to \(copy.quotedForDisplay())") }
            defer { close(descriptor) }
            guard Self.writeAll(bytes, to: descriptor), fsync(descriptor) == 0 else {
                throw failure("cannot be copied to \(copy.quotedForDisplay())")
            }
            return copy
        }
        throw failure("has too many copies")
    }

    /// The error for a chosen file that does not exist.
    package func missing() -> SettingsError {
        let how =
            switch choice {
            case .option: "--config names it"
            case .environment: "\(Self.environmentName) names it"
            case .currentFolder: "it would be the file of the current folder"
            }
        let finding = SettingsFinding(
            .fileMissing, .error, file: path, message: "The settings file does not exist (\(how)).",
            remedy: "Write one with 'manage config init', or choose another one with --config."
        )
        return SettingsError(.missingFile, [finding])
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private func failure(_ what: String) -> SettingsError {
        let reason = String(cString: strerror(errno))
        let finding = SettingsFinding(
            .fileUnusable, .error, file: path, message: "The settings file \(what): \(reason).",
            remedy: "Check the path and the rights of the file and its folder."
        )
        return SettingsError(.unusableFile, [finding])
    }
}
