// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The real program `manage runserver` as a process of its own, with settings and data in the folder of the run.
package struct ServerProcess: Sendable {
    private let program: String
    private let settingsFile: String
    private let folder: BenchmarkFolder
    package let process: ChildProcess
    /// The port that the system chose.
    package let port: Int

    /// The address of MTP, or of another endpoint, on one of this machine's loopback addresses.
    package func url(host: String = "127.0.0.1", path: String = "/ws") -> String { "ws://\(host):\(port)\(path)" }

    /// Writes the settings, makes the tables and starts the server; returns when it listens.
    ///
    /// - Parameters:
    ///   - program: The path of `manage`; empty: beside the benchmark.
    ///   - database: Where the data is kept.
    ///   - folder: For settings, log and the SQLite file.
    ///   - host: The address to listen on.
    ///   - messages: How many messages the server gives at a time.
    /// - Returns: The server that runs.
    /// - Throws: `BenchmarkFailure` when it does not start; its words are in `server.log` in the folder.
    package static func start(
        program: String, database: BenchmarkDatabase, folder: BenchmarkFolder, host: String = "127.0.0.1",
        messages: Int = messagesPerAnswer
    ) async throws -> ServerProcess {
        let program = program.isEmpty ? ownFolder + "/manage" : program
        guard access(program, X_OK) == 0 else {
            throw BenchmarkFailure(
                "There is no program '\(program)': build the product manage, or name it with --server.")
        }
        // Hashing passwords is not measured here, and there are many accounts to make.
        let settings = """
            [SERVER]
            HOST = \(host)
            PORT = 0
            [REGISTRATION]
            MODE = open
            [DATABASE]
            URI = \(database.uri)
            [HASH_SIZE]
            ARGON2_MEMORY = 8 KiB
            ARGON2_ITERATIONS = 1
            [SERVER_LIMIT]
            MESSAGES = \(messages)
            [RATE_LIMIT]
            ENABLED = off
            [MESSENGER]
            ENABLED = off
            [FASTCHAT]
            ENABLED = off
            [SKARO]
            RESTORE_SECONDS = 3600

            """
        // Servers are told apart by the folder of their settings.
        let folder = try folder.subfolder(database.name)
        let file = try folder.write(settings, to: "\(database.name).ini")
        let log = folder.path + "/server.log"
        let setup = try ChildProcess(program: program, arguments: ["db", "create", "--config", file], errorFile: log)
        guard await setup.ended() == 0 else {
            throw BenchmarkFailure("The database cannot be made:\n\(ProcText.read(log) ?? "")")
        }
        return try await start(program: program, settingsFile: file, folder: folder)
    }

    /// How many messages the server gives at a time, unless a benchmark says otherwise.
    package static let messagesPerAnswer = 5000

    private static func start(
        program: String, settingsFile: String, folder: BenchmarkFolder
    ) async throws -> ServerProcess {
        let log = folder.path + "/server.log"
        let process = try ChildProcess(
            program: program, arguments: ["runserver", "--config", settingsFile], errorFile: log)
        let line: String
        do {
            line = try await process.line(containing: "ws://")
        } catch {
            await process.terminate()
            throw BenchmarkFailure("The server does not start:\n\(ProcText.read(log) ?? "")")
        }
        guard let port = Self.port(in: line) else { throw BenchmarkFailure("No port in '\(line)'.") }
        return ServerProcess(
            program: program, settingsFile: settingsFile, folder: folder, process: process, port: port)
    }

    /// Ends the server in order and starts it again on the same data.
    ///
    /// - Returns: The new server.
    /// - Throws: `BenchmarkFailure` when it does not end or start well.
    package func restarted() async throws -> ServerProcess {
        guard await process.terminate() else {
            throw BenchmarkFailure(
                "The server did not end well:\n\(ProcText.read(folder.path + "/server.log")?.suffix(2000) ?? "")")
        }
        return try await Self.start(program: program, settingsFile: settingsFile, folder: folder)
    }

    /// Runs another command of the program on the server's data.
    ///
    /// - Parameter words: The command with its options.
    /// - Returns: What it wrote to its standard output.
    /// - Throws: `BenchmarkFailure` when it fails.
    package func manage(_ words: [String]) async throws -> String {
        let log = folder.path + "/command.log"
        let command = try ChildProcess(
            program: program, arguments: words + ["--config", settingsFile], errorFile: log)
        guard let text = try await command.text() else {
            throw BenchmarkFailure("'manage \(words.joined(separator: " "))' failed:\n\(ProcText.read(log) ?? "")")
        }
        return text
    }

    /// The port in an address such as `ws://127.0.0.1:8080/ws` within a line.
    package static func port(in line: String) -> Int? {
        guard let colon = line.lastIndex(of: ":") else { return nil }
        return Int(line[line.index(after: colon)...].prefix { $0.isNumber })
    }

    /// The path of the running program.
    package static var ownPath: String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { path in
                path.baseAddress.map { readlink("/proc/self/exe", $0, path.count) } ?? 0
            }
        }
        return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
    }

    private static var ownFolder: String {
        let path = ownPath
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
