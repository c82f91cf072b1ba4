// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Glibc
import Logging
import ServiceLifecycle
import Settings
import Synchronization

/// Notices changes of the settings, the templates and the program file, and ends then: `--reload`.
final class FileWatch: Service {
    /// What identifies a state of a file; a missing one has none.
    private struct Stamp: Equatable {
        var path: String
        var seconds = 0
        var nanoseconds = 0
        var bytes: Int64 = -1
        var inode: UInt64 = 0

        init(_ path: String) {
            self.path = path
            var status = stat()
            guard stat(path, &status) == 0 else { return }
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
            bytes = Int64(status.st_size)
            inode = UInt64(status.st_ino)
        }
    }

    /// How often the files are looked at.
    private static let pause = Duration.milliseconds(500)

    private let settingsFile: String?
    private let templatesFolder: String?
    private let program: String
    /// What keeps the server from starting with the files as they are now; `nil` when nothing does.
    private let problem: @Sendable () -> String?
    private let logger: Logger
    private let original: [Stamp]
    private let changed = Atomic(false)

    init(settings: Settings, logger: Logger, problem: @escaping @Sendable () -> String?) {
        self.logger = logger
        self.problem = problem
        settingsFile = settings.file
        templatesFolder = settings.templatesFolder
        program = Self.runningProgram()
        original = Self.stamps(settingsFile, templatesFolder, program)
    }

    /// Whether a file has changed.
    var hasChanged: Bool { changed.load(ordering: .relaxed) }

    func run() async throws {
        // Cancelled: the server stops for another reason.
        try? await cancelWhenGracefulShutdown { try await self.waitForChange() }
    }

    /// Returns when a file has changed and is at rest again: a program is not started while it is being written.
    ///
    /// Files with a mistake are told in the log, and the server goes on until they have changed once more.
    private func waitForChange() async throws {
        var current = original
        var last = original
        while true {
            try await Task.sleep(for: Self.pause)
            let now = Self.stamps(settingsFile, templatesFolder, program)
            if now != current, now == last, access(program, X_OK) == 0 {
                guard let mistake = problem() else { break }
                logger.error("Not starting again with a mistake in the files", metadata: ["error": "\(mistake)"])
                current = now
            }
            last = now
        }
        changed.store(true, ordering: .relaxed)
    }

    /// Becomes the program as it is now, with the same arguments.
    ///
    /// - Throws: `CommandError` when it cannot be started.
    func startAgain() throws(CommandError) {
        var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
        arguments.append(nil)
        execv(program, arguments)
        let reason = String(cString: strerror(errno))
        throw CommandError(.failed, "'\(program)' cannot be started again: \(reason).", nextStep: "Start it by hand.")
    }

    private static func stamps(_ settingsFile: String?, _ templatesFolder: String?, _ program: String) -> [Stamp] {
        var paths = [program]
        if let settingsFile { paths.append(settingsFile) }
        if let templatesFolder {
            paths.append(templatesFolder)
            paths += names(in: templatesFolder).map { "\(templatesFolder)/\($0)" }
        }
        return paths.map(Stamp.init)
    }

    private static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func runningProgram() -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink("/proc/self/exe", $0, bytes.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : CommandLine.arguments[0]
    }
}
